"""The table: every weight of ALBERT and its name in every kind of checkpoint. Data only.

    weight_table.TABLE[0].huggingface  # "albert.embeddings.word_embeddings.weight"

`export/checkpoints/mapping.py` reads it. The names are canonical: a reader of a source takes away
what depends on how somebody wrapped the model (`module/`, `model/`, a missing `albert.`). A
KerasHub name is the class and number of a layer and the number of its variable.
"""

import dataclasses
import enum
from collections.abc import Mapping

from configs import source_rules

TF1 = "tf1"  # google-research/albert checkpoint
TF1_HUB = "tf1_hub"  # TF1 Hub module: the same names
HUGGING_FACE = "huggingface"
MODEL_GARDEN = "model_garden"
KERAS_HUB = "keras_hub"
SAVED_MODEL = "saved_model"  # of this project or of TF Hub
FORMATS = (TF1, TF1_HUB, HUGGING_FACE, MODEL_GARDEN, KERAS_HUB, SAVED_MODEL)

# What the code that wrote the weights fixes. A SavedModel's manifest says it all itself.
RULES: Mapping[str, source_rules.SourceRules] = {
    TF1: source_rules.ORIGINAL,
    TF1_HUB: source_rules.ORIGINAL,
    HUGGING_FACE: source_rules.HUGGING_FACE,
    MODEL_GARDEN: source_rules.MODEL_GARDEN,
    KERAS_HUB: source_rules.KERAS_HUB,
}


class Kind(enum.Enum):
    """What a tensor is, as far as its layout depends on it."""

    TABLE = "embedding table"
    VECTOR = "vector"
    KERNEL = "kernel"  # [in, out]
    TO_HEADS_KERNEL = "kernel to attention heads"  # [H, N, D]
    TO_HEADS_BIAS = "bias of attention heads"  # [N, D]
    FROM_HEADS_KERNEL = "kernel from attention heads"  # [N, D, H]
    OUTPUT_WEIGHTS = "kernel that the original stores as [out, in]"


@dataclasses.dataclass(frozen=True)
class Row:
    variable: str
    kind: Kind
    shape: str  # dimension letters, see mapping.FIELD_OF_LETTER
    tf1: str | None
    huggingface: str | None
    model_garden: str | None
    keras_hub: str | None


# Row families that a model need not have.
PROJECTION = "embedding_projection/"
POOLER = "pooler_transform/"
DECODER = "cls/predictions/decoder/"  # the MLM head's own output matrix, where it is not tied
MLM_HEAD = "cls/predictions/"
SOP_HEAD = "cls/seq_relationship/"
# Of the heads of fine-tuned models; several have the same names in a source.
FINE_TUNED_HEADS = ("cls/classify/", "cls/tag/", "cls/answer/", "cls/answer_beam/", "cls/choose/")

# {block} is a Transformer block; mapping._block_names says how each source spells it.
_T, _V, _K = Kind.TABLE, Kind.VECTOR, Kind.KERNEL
_TK, _TB, _FK, _OW = (
    Kind.TO_HEADS_KERNEL,
    Kind.TO_HEADS_BIAS,
    Kind.FROM_HEADS_KERNEL,
    Kind.OUTPUT_WEIGHTS,
)
# fmt: off
# variable, kind, shape, google-research/albert, Hugging Face, Model Garden, KerasHub
TABLE = (
    Row("word_embeddings/embeddings", _T, "VE",
         "bert/embeddings/word_embeddings", "albert.embeddings.word_embeddings.weight",
         "encoder/layer_with_weights-0/embeddings", "reversible_embedding/0"),
    Row("position_embedding/embeddings", _T, "PE",
         "bert/embeddings/position_embeddings", "albert.embeddings.position_embeddings.weight",
         "encoder/layer_with_weights-1/embeddings", "position_embedding/0"),
    Row("type_embeddings/embeddings", _T, "TE",
         "bert/embeddings/token_type_embeddings", "albert.embeddings.token_type_embeddings.weight",
         "encoder/layer_with_weights-2/embeddings", "embedding/0"),
    Row("embeddings/layer_norm/gamma", _V, "E",
         "bert/embeddings/LayerNorm/gamma", "albert.embeddings.LayerNorm.weight",
         "encoder/layer_with_weights-3/gamma", "layer_normalization/0"),
    Row("embeddings/layer_norm/beta", _V, "E",
         "bert/embeddings/LayerNorm/beta", "albert.embeddings.LayerNorm.bias",
         "encoder/layer_with_weights-3/beta", "layer_normalization/1"),
    Row("embedding_projection/kernel", _K, "EH",
         "bert/encoder/embedding_hidden_mapping_in/kernel",
         "albert.encoder.embedding_hidden_mapping_in.weight",
         "encoder/layer_with_weights-4/kernel", "dense/0"),
    Row("embedding_projection/bias", _V, "H",
         "bert/encoder/embedding_hidden_mapping_in/bias",
         "albert.encoder.embedding_hidden_mapping_in.bias",
         "encoder/layer_with_weights-4/bias", "dense/1"),
    Row("{block}/self_attention/query/kernel", _TK, "HND",
         "{block}/attention_1/self/query/kernel", "{block}.attention.query.weight",
         "{block}/_attention_layer/_query_dense/kernel",
         "{block}/self_attention_layer/query_dense/0"),
    Row("{block}/self_attention/query/bias", _TB, "ND",
         "{block}/attention_1/self/query/bias", "{block}.attention.query.bias",
         "{block}/_attention_layer/_query_dense/bias",
         "{block}/self_attention_layer/query_dense/1"),
    Row("{block}/self_attention/key/kernel", _TK, "HND",
         "{block}/attention_1/self/key/kernel", "{block}.attention.key.weight",
         "{block}/_attention_layer/_key_dense/kernel",
         "{block}/self_attention_layer/key_dense/0"),
    Row("{block}/self_attention/key/bias", _TB, "ND",
         "{block}/attention_1/self/key/bias", "{block}.attention.key.bias",
         "{block}/_attention_layer/_key_dense/bias",
         "{block}/self_attention_layer/key_dense/1"),
    Row("{block}/self_attention/value/kernel", _TK, "HND",
         "{block}/attention_1/self/value/kernel", "{block}.attention.value.weight",
         "{block}/_attention_layer/_value_dense/kernel",
         "{block}/self_attention_layer/value_dense/0"),
    Row("{block}/self_attention/value/bias", _TB, "ND",
         "{block}/attention_1/self/value/bias", "{block}.attention.value.bias",
         "{block}/_attention_layer/_value_dense/bias",
         "{block}/self_attention_layer/value_dense/1"),
    Row("{block}/self_attention/attention_output/kernel", _FK, "NDH",
         "{block}/attention_1/output/dense/kernel", "{block}.attention.dense.weight",
         "{block}/_attention_layer/_output_dense/kernel",
         "{block}/self_attention_layer/output_dense/0"),
    Row("{block}/self_attention/attention_output/bias", _V, "H",
         "{block}/attention_1/output/dense/bias", "{block}.attention.dense.bias",
         "{block}/_attention_layer/_output_dense/bias",
         "{block}/self_attention_layer/output_dense/1"),
    Row("{block}/self_attention_layer_norm/gamma", _V, "H",
         "{block}/LayerNorm/gamma", "{block}.attention.LayerNorm.weight",
         "{block}/_attention_layer_norm/gamma", "{block}/self_attention_layer_norm/0"),
    Row("{block}/self_attention_layer_norm/beta", _V, "H",
         "{block}/LayerNorm/beta", "{block}.attention.LayerNorm.bias",
         "{block}/_attention_layer_norm/beta", "{block}/self_attention_layer_norm/1"),
    Row("{block}/intermediate/kernel", _K, "HF",
         "{block}/ffn_1/intermediate/dense/kernel", "{block}.ffn.weight",
         "{block}/_intermediate_dense/kernel", "{block}/feedforward_intermediate_dense/0"),
    Row("{block}/intermediate/bias", _V, "F",
         "{block}/ffn_1/intermediate/dense/bias", "{block}.ffn.bias",
         "{block}/_intermediate_dense/bias", "{block}/feedforward_intermediate_dense/1"),
    Row("{block}/output/kernel", _K, "FH",
         "{block}/ffn_1/intermediate/output/dense/kernel", "{block}.ffn_output.weight",
         "{block}/_output_dense/kernel", "{block}/feedforward_output_dense/0"),
    Row("{block}/output/bias", _V, "H",
         "{block}/ffn_1/intermediate/output/dense/bias", "{block}.ffn_output.bias",
         "{block}/_output_dense/bias", "{block}/feedforward_output_dense/1"),
    Row("{block}/output_layer_norm/gamma", _V, "H",
         "{block}/LayerNorm_1/gamma", "{block}.full_layer_layer_norm.weight",
         "{block}/_output_layer_norm/gamma", "{block}/feedforward_layer_norm/0"),
    Row("{block}/output_layer_norm/beta", _V, "H",
         "{block}/LayerNorm_1/beta", "{block}.full_layer_layer_norm.bias",
         "{block}/_output_layer_norm/beta", "{block}/feedforward_layer_norm/1"),
    Row("pooler_transform/kernel", _K, "HH",
         "bert/pooler/dense/kernel", "albert.pooler.weight",
         "encoder/layer_with_weights-6/kernel", "dense_1/0"),
    Row("pooler_transform/bias", _V, "H",
         "bert/pooler/dense/bias", "albert.pooler.bias",
         "encoder/layer_with_weights-6/bias", "dense_1/1"),
    Row("cls/predictions/transform/dense/kernel", _K, "HE",
         "cls/predictions/transform/dense/kernel", "predictions.dense.weight",
         "masked_lm/dense/kernel", "task/masked_lm_head/intermediate_dense/0"),
    Row("cls/predictions/transform/dense/bias", _V, "E",
         "cls/predictions/transform/dense/bias", "predictions.dense.bias",
         "masked_lm/dense/bias", "task/masked_lm_head/intermediate_dense/1"),
    Row("cls/predictions/transform/LayerNorm/gamma", _V, "E",
         "cls/predictions/transform/LayerNorm/gamma", "predictions.LayerNorm.weight",
         "masked_lm/layer_norm/gamma", "task/masked_lm_head/intermediate_layer_norm/0"),
    Row("cls/predictions/transform/LayerNorm/beta", _V, "E",
         "cls/predictions/transform/LayerNorm/beta", "predictions.LayerNorm.bias",
         "masked_lm/layer_norm/beta", "task/masked_lm_head/intermediate_layer_norm/1"),
    Row("cls/predictions/output_bias/bias", _V, "V",
         "cls/predictions/output_bias", "predictions.bias",
         "masked_lm/output_bias.Sbias", "task/masked_lm_head/0"),
    Row("cls/predictions/decoder/embeddings", _T, "VE",
         None, "predictions.decoder.weight", None, None),
    Row("cls/seq_relationship/kernel", _OW, "H2",
         "cls/seq_relationship/output_weights", "sop_classifier.classifier.weight",
         "next_sentence/out_proj/kernel", None),
    Row("cls/seq_relationship/bias", _V, "2",
         "cls/seq_relationship/output_bias", "sop_classifier.classifier.bias",
         "next_sentence/out_proj/bias", None),
    # run_classifier
    Row("cls/classify/kernel", _OW, "HC",
         "output_weights", "classifier.weight", "classifier/out_proj/kernel", "task/dense/0"),
    Row("cls/classify/bias", _V, "C",
         "output_bias", "classifier.bias", "classifier/out_proj/bias", "task/dense/1"),
    Row("cls/tag/kernel", _OW, "HC",
         None, "classifier.weight", "token_classifier/kernel", None),
    Row("cls/tag/bias", _V, "C",
         None, "classifier.bias", "token_classifier/bias", None),
    # run_squad_v1
    Row("cls/answer/kernel", _OW, "H2",
         "cls/squad/output_weights", "qa_outputs.weight", "span_labeling/kernel", None),
    Row("cls/answer/bias", _V, "2",
         "cls/squad/output_bias", "qa_outputs.bias", "span_labeling/bias", None),
    # run_squad_v2
    Row("cls/answer_beam/start_logits/kernel", _K, "H1",
         "start_logits/dense/kernel", None, None, None),
    Row("cls/answer_beam/start_logits/bias", _V, "1",
         "start_logits/dense/bias", None, None, None),
    Row("cls/answer_beam/end_logits/dense_0/kernel", _K, "JH",
         "end_logits/dense_0/kernel", None, None, None),
    Row("cls/answer_beam/end_logits/dense_0/bias", _V, "H",
         "end_logits/dense_0/bias", None, None, None),
    Row("cls/answer_beam/end_logits/LayerNorm/gamma", _V, "H",
         "end_logits/LayerNorm/gamma", None, None, None),
    Row("cls/answer_beam/end_logits/LayerNorm/beta", _V, "H",
         "end_logits/LayerNorm/beta", None, None, None),
    Row("cls/answer_beam/end_logits/dense_1/kernel", _K, "H1",
         "end_logits/dense_1/kernel", None, None, None),
    Row("cls/answer_beam/end_logits/dense_1/bias", _V, "1",
         "end_logits/dense_1/bias", None, None, None),
    Row("cls/answer_beam/answer_class/dense_0/kernel", _K, "JH",
         "answer_class/dense_0/kernel", None, None, None),
    Row("cls/answer_beam/answer_class/dense_0/bias", _V, "H",
         "answer_class/dense_0/bias", None, None, None),
    Row("cls/answer_beam/answer_class/dense_1/kernel", _K, "H1",
         "answer_class/dense_1/kernel", None, None, None),
    # run_race
    Row("cls/choose/kernel", _OW, "H1",
         "output_weights", "classifier.weight", None, None),
    Row("cls/choose/bias", _V, "1",
         "output_bias", "classifier.bias", None, None),
)
# fmt: on

# Names that repeat another's tensor (canonical name -> the variable it must equal, bit by bit).
# They may be absent.
TIED_WEIGHTS: Mapping[str, Mapping[str, str]] = {
    HUGGING_FACE: {"predictions.decoder.weight": "word_embeddings/embeddings"},
    MODEL_GARDEN: {"masked_lm/embedding_table": "word_embeddings/embeddings"},
}

# Ends the canonical name of a tensor in whose place its source uses another one.
OVERRIDDEN = " (overridden)"

_OPTIMIZER = "state of the optimizer"
_AVERAGE = "moving average of the weights"
_FINE_TUNED = "head of a fine-tuned model of a kind that is not known"
_TF1_IGNORED = {
    r".*/(adam_m|adam_v|lamb_m|lamb_v|Adam|Momentum|RMSProp|Adagrad|Adafactor)(_\d+)?": _OPTIMIZER,
    r"(.*/)?beta[12]_power(_\d+)?": _OPTIMIZER,
    r"(.*/)?(current_)?loss_scale(/.*)?|(.*/)?(good|bad)_steps": "loss scale of mixed precision",
    r".*/ExponentialMovingAverage": _AVERAGE,
    r"(.*/)?global_step": "number of training steps",
}
# What a source may hold besides the table: patterns of whole canonical names, each with its reason.
IGNORED: Mapping[str, Mapping[str, str]] = {
    TF1: _TF1_IGNORED,
    TF1_HUB: _TF1_IGNORED,
    HUGGING_FACE: {
        r"albert\.embeddings\.(position_ids|token_type_ids)": "a constant that old versions saved",
        r"predictions\.bias \(overridden\)": "transformers adds predictions.decoder.bias, which "
        "differs, in its place",
    },
    MODEL_GARDEN: {
        r"(.*/)?save_counter": "number of saves",
        r"(.*/)?global_step": "number of training steps",
        r"(.*/)?optimizer/.*": _OPTIMIZER,
        r".*/\.OPTIMIZER_SLOT/.*": _OPTIMIZER,
        r"(.*/)?classification_heads/.*|.*\.\.pooler_dense/.*": _FINE_TUNED,
        r"encoder/layer_with_weights-6/.* \(overridden\)": "the head has a pooler of its own, "
        "which was trained in its place",
    },
    KERAS_HUB: {
        r"optimizer/.*": _OPTIMIZER,
        r"(.*/)?seed_generator/.*": "state of a random generator",
        r"task/.*": _FINE_TUNED,
    },
    SAVED_MODEL: {
        r"do_lower_case": "a setting of the tokenizer",
        r"(.*/)?save_counter": "number of saves",
        r"(.*/)?optimizer/.*": _OPTIMIZER,
        r".*/\.OPTIMIZER_SLOT/.*": _OPTIMIZER,
    },
}
