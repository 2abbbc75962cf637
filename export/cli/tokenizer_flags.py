"""Flags of the commands that choose a tokenizer.

A command makes them its own with `flags.adopt_module_key_flags(tokenizer_flags)`.
"""

from absl import flags

from configs import tokenizations
from export.artifacts import tokenizer_choice

_SP_MODEL_FILE = flags.DEFINE_string(
    "sp_model_file",
    None,
    "SentencePiece model with <pad>, <unk>, [CLS], [SEP] and [MASK]. Default: the tokenizer beside "
    "the weights; without weights, the project's demo vocabulary.",
)
_VOCAB_FILE = flags.DEFINE_string(
    "vocab_file",
    None,
    "WordPiece vocabulary (vocab.txt) with [PAD], [UNK], [CLS], [SEP] and [MASK], as the Chinese "
    "models have. Replaces --sp_model_file.",
)
_TOKENIZATION = flags.DEFINE_enum(
    "tokenization",
    None,
    tokenizations.ALL,
    "How text is split: as TF Hub's preprocessor does it; as google-research/albert, with which "
    "its models were trained; or as transformers uses the tokenizer.json, spiece.model or "
    "vocab.txt beside the weights. Default: huggingface for weights of transformers, what an "
    "exported encoder has recorded, else hub.",
)
_LOWER_CASE = flags.DEFINE_bool(
    "lower_case",
    None,
    "Whether text is lower-cased. Default: what the files beside the weights say, else yes.",
)
_KEEP_ACCENTS = flags.DEFINE_bool(
    "keep_accents",
    None,
    "Whether text keeps its accents. Default: what the files beside the weights say, else no.",
)
_SPECIAL_TOKENS = flags.DEFINE_string(
    "special_tokens",
    None,
    "What special tokens are called where it is not usual: pad=...,unk=...,cls=...,sep=...,"
    "mask=..., any of them.",
)
_LANGUAGE = flags.DEFINE_string(
    "language",
    None,
    "Languages of the texts, as BCP 47 tags with commas between them (en, pt-BR, or hi,ta): the "
    "manifest records them, and the pages of a release show them. Default: nothing is said.",
)


def request() -> tokenizer_choice.Request:
    """Returns what the flags say."""
    return tokenizer_choice.Request(
        sp_model_file=_SP_MODEL_FILE.value,
        vocab_file=_VOCAB_FILE.value,
        tokenization=_TOKENIZATION.value,
        lower_case=_LOWER_CASE.value,
        keep_accents=_KEEP_ACCENTS.value,
        special_tokens=_SPECIAL_TOKENS.value,
        language=_LANGUAGE.value,
    )
