"""Flags of the commands that export a text model.

A command makes them its own with `flags.adopt_module_key_flags(text_model_flags)`.
"""

from absl import flags

from export.artifacts import text_model_spec

_TASK = flags.DEFINE_enum(
    "task",
    None,
    text_model_spec.TASKS,
    "What the text model does. Default: what the fine-tuned head is for; fill_mask for a masked "
    "language model alone; embed otherwise.",
)
_POOLING = flags.DEFINE_enum(
    "pooling",
    None,
    text_model_spec.POOLINGS,
    "Of --task=embed, the vector of a text: the encoder's pooled_output, or what is made of "
    "sequence_output. Default: as a folder of sentence-transformers says, else pooled; mean where "
    "there is no pooler.",
)
_NORMALIZE = flags.DEFINE_bool(
    "normalize",
    None,
    "Of --task=embed, whether to scale the vectors to length one. Default: as a folder of "
    "sentence-transformers says, else no.",
)
_MAX_SEQ_LENGTH = flags.DEFINE_integer(
    "max_seq_length",
    None,
    "Tokens after which a text is cut, or of a window of --task=answer, special tokens included. "
    "Default: 512, of answer 384, or the encoder's positions if it has fewer.",
    lower_bound=5,
)
_LONG_TEXTS = flags.DEFINE_enum(
    "long_texts",
    text_model_spec.LONG_TEXTS[0],
    text_model_spec.LONG_TEXTS,
    "Of --task=embed: cut long texts, or take the mean or the maximum of their parts' vectors.",
)
_MAX_ANSWER_LENGTH = flags.DEFINE_integer(
    "max_answer_length",
    None,
    "Of --task=answer, tokens of the longest answer, which is then widened to whole words. "
    "Default: 15 with weights of transformers, as its pipeline has it, else 30, as in google's "
    "run_squad.",
    lower_bound=1,
)
_ALLOW_OTHER_TOKENIZATION = flags.DEFINE_bool(
    "allow_other_tokenization",
    False,
    "Whether the preprocessor may have another tokenization than the encoder has recorded.",
)


def request() -> text_model_spec.Request:
    """Returns what the flags say."""
    return text_model_spec.Request(
        task=_TASK.value,
        pooling=_POOLING.value,
        normalize=_NORMALIZE.value,
        max_seq_length=_MAX_SEQ_LENGTH.value,
        long_texts=_LONG_TEXTS.value,
        max_answer_length=_MAX_ANSWER_LENGTH.value,
        allow_other_tokenization=_ALLOW_OTHER_TOKENIZATION.value,
    )
