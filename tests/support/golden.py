"""The golden models of `testdata/golden`: checkpoints and outputs written by other projects' code.

Example:
    model = golden.MODELS["tiny"]
    outputs = golden.expected(model)

`testdata/golden/README.md` describes how each file was made. The names here are copied from it by
hand, so they are independent of `export/checkpoints/mapping.py`, which is tested against them.
"""

import dataclasses
import functools
import json
import os
import pathlib
import shutil
from collections.abc import Mapping

import numpy as np

from configs import albert_config, hub_api
from export.release import tarball

ROOT = pathlib.Path(__file__).parents[1] / "testdata" / "golden"
VOCABULARY = ROOT / "tiny" / "tf1" / "30k-clean.model"

# Frameworks differ by 4e-6 on these models. The wrong gelu differs by 1e-3, the wrong layer norm
# epsilon by 5e-4. Outputs are of order 1, so a relative tolerance would add little.
ATOL = 2e-5
RTOL = 0.0

_OUTPUTS = (
    "embedding_output",
    hub_api.SEQUENCE_OUTPUT,
    hub_api.POOLED_OUTPUT,
    hub_api.MLM_LOGITS,
    hub_api.SOP_LOGITS,
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Model:
    """One golden model.

    Attributes:
      name: its folder.
      sources: its checkpoints, as paths in the folder.
    """

    name: str
    sources: tuple[str, ...]

    @property
    def directory(self) -> pathlib.Path:
        return ROOT / self.name

    @property
    def config(self) -> albert_config.AlbertConfig:
        with open(self.directory / "tf1" / "albert_config.json", encoding="utf-8") as file:
            return albert_config.from_json(json.load(file))


_EVERYWHERE = (
    "tf1/model.ckpt-best",
    "tf1/train/model.ckpt-3",
    "tf1_hub",
    "hf",
    "hf/model.safetensors",
    "hf/pytorch_model.bin",
    "hf/legacy",
)
_MODEL_GARDEN = ("model_garden/encoder", "model_garden/pretrainer")
_ONLY_TINY = ("hf/albert_model", "model_garden/pretrainer_default_name", "model_garden/saved_model")

MODELS: Mapping[str, Model] = {
    model.name: model
    for model in (
        Model(
            name="tiny",
            sources=(*_EVERYWHERE, *_MODEL_GARDEN, *_ONLY_TINY, "keras_hub/preset"),
        ),
        Model(name="tiny_groups", sources=(*_EVERYWHERE, "keras_hub/preset")),
        Model(name="tiny_relu_dropout", sources=(*_EVERYWHERE, *_MODEL_GARDEN)),
    )
}


def copy(model: Model, directory: str | os.PathLike[str]) -> pathlib.Path:
    """Copies the model to `directory`, adds the vocabulary, and unpacks archives."""
    target = pathlib.Path(directory) / model.name
    shutil.copytree(model.directory, target)
    for folder in ("tf1", "tf1_hub/assets"):
        shutil.copy(VOCABULARY, target / folder / VOCABULARY.name)
    archive = target / "model_garden" / "saved_model.tar.gz"
    if archive.exists():
        tarball.unpack(str(archive), str(archive.parent))
    return target


def inputs(model: Model, *, suffix: str = "") -> dict[str, np.ndarray]:
    """Returns the inputs by the names of the contract.

    Args:
      suffix: "" for three rows of 20 tokens, "_full" for one row of every position.
    """
    with np.load(model.directory / "tf1" / f"inputs{suffix}.npz") as arrays:
        return {
            hub_api.INPUT_WORD_IDS: arrays["input_ids"],
            hub_api.INPUT_MASK: arrays["input_mask"],
            hub_api.INPUT_TYPE_IDS: arrays["segment_ids"],
            hub_api.MASKED_LM_POSITIONS: arrays["masked_lm_positions"],
        }


def expected(model: Model, *, suffix: str = "") -> dict[str, np.ndarray]:
    """Returns the outputs of the original code by the names of the contract.

    `encoder_outputs` is one array [num_hidden_layers, B, S, H]. Only the inputs without suffix have
    `encoder_outputs` and `embedding_output` [B, S, E].
    """
    inner = model.config.inner_group_num
    with np.load(model.directory / "tf1" / f"expected{suffix}.npz") as arrays:
        outputs = {hub_api.DEFAULT: arrays["pooled_output"]}
        for name, array in arrays.items():
            if name == "all_encoder_layers":
                # The original lists every inner block; the contract has one output per layer.
                outputs[hub_api.ENCODER_OUTPUTS] = array[inner - 1 :: inner]
            elif name in _OUTPUTS:
                outputs[name] = array
    return outputs


@functools.cache
def tensors(model_name: str) -> dict[str, np.ndarray]:
    """Returns the weights of the original checkpoint by the names of the encoder's variables."""
    import tensorflow as tf

    model = MODELS[model_name]
    config = model.config
    reader = tf.train.load_checkpoint(str(model.directory / "tf1" / "model.ckpt-best"))
    found = {}
    for ours, theirs in {
        "word_embeddings/embeddings": "bert/embeddings/word_embeddings",
        "position_embedding/embeddings": "bert/embeddings/position_embeddings",
        "type_embeddings/embeddings": "bert/embeddings/token_type_embeddings",
        "embeddings/layer_norm/gamma": "bert/embeddings/LayerNorm/gamma",
        "embeddings/layer_norm/beta": "bert/embeddings/LayerNorm/beta",
        "embedding_projection/kernel": "bert/encoder/embedding_hidden_mapping_in/kernel",
        "embedding_projection/bias": "bert/encoder/embedding_hidden_mapping_in/bias",
        "pooler_transform/kernel": "bert/pooler/dense/kernel",
        "pooler_transform/bias": "bert/pooler/dense/bias",
        "cls/predictions/transform/dense/kernel": "cls/predictions/transform/dense/kernel",
        "cls/predictions/transform/dense/bias": "cls/predictions/transform/dense/bias",
        "cls/predictions/transform/LayerNorm/gamma": "cls/predictions/transform/LayerNorm/gamma",
        "cls/predictions/transform/LayerNorm/beta": "cls/predictions/transform/LayerNorm/beta",
        "cls/predictions/output_bias/bias": "cls/predictions/output_bias",
        "cls/seq_relationship/bias": "cls/seq_relationship/output_bias",
    }.items():
        found[ours] = reader.get_tensor(theirs)
    sentence_order = reader.get_tensor("cls/seq_relationship/output_weights")
    found["cls/seq_relationship/kernel"] = sentence_order.T
    heads = (config.num_attention_heads, config.hidden_size // config.num_attention_heads)
    for group in range(config.num_hidden_groups):
        for inner in range(config.inner_group_num):
            block = f"bert/encoder/transformer/group_{group}/inner_group_{inner}"
            ours = "transformer"
            if config.num_hidden_groups * config.inner_group_num > 1:
                ours = f"transformer/group_{group}/inner_group_{inner}"
            for name in ("query", "key", "value"):
                kernel = reader.get_tensor(f"{block}/attention_1/self/{name}/kernel")
                bias = reader.get_tensor(f"{block}/attention_1/self/{name}/bias")
                found[f"{ours}/self_attention/{name}/kernel"] = kernel.reshape(-1, *heads)
                found[f"{ours}/self_attention/{name}/bias"] = bias.reshape(heads)
            kernel = reader.get_tensor(f"{block}/attention_1/output/dense/kernel")
            found[f"{ours}/self_attention/attention_output/kernel"] = kernel.reshape(*heads, -1)
            for here, there in {
                "self_attention/attention_output/bias": "attention_1/output/dense/bias",
                "self_attention_layer_norm/gamma": "LayerNorm/gamma",
                "self_attention_layer_norm/beta": "LayerNorm/beta",
                "intermediate/kernel": "ffn_1/intermediate/dense/kernel",
                "intermediate/bias": "ffn_1/intermediate/dense/bias",
                "output/kernel": "ffn_1/intermediate/output/dense/kernel",
                "output/bias": "ffn_1/intermediate/output/dense/bias",
                "output_layer_norm/gamma": "LayerNorm_1/gamma",
                "output_layer_norm/beta": "LayerNorm_1/beta",
            }.items():
                found[f"{ours}/{here}"] = reader.get_tensor(f"{block}/{there}")
    return found
