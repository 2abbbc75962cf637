"""Exports the preprocessor of an ALBERT encoder as a TF Hub-compatible SavedModel.

Prints only the path of the artifact, <export_dir>/<model_name>/<version>, on stdout:

    dir=$(python -m export.preprocessor --sp_model_file 30k-clean.model)

The default vocabulary is the project's demo vocabulary.
"""

from absl import flags

from export import api
from export.cli import export_flags, runner
from preprocess.tokenizers import tokenizations

_DEFAULT_SEQ_LENGTH = flags.DEFINE_integer(
    "default_seq_length",
    128,
    "Default length of the packed rows in tokens, special tokens included.",
    lower_bound=3,
)
_TOKENIZATION = flags.DEFINE_enum(
    "tokenization",
    tokenizations.HUB,
    tokenizations.ALL,
    "Tokenization by a SentencePiece model: that of TF Hub's preprocessor, or that of "
    "google-research/albert, with which the released models were trained.",
)
flags.adopt_module_key_flags(export_flags)


def main() -> None:
    print(
        api.export_preprocessor(
            model_name=export_flags.MODEL_NAME.value or "albert_en_preprocess",
            sp_model_file=export_flags.SP_MODEL_FILE.value,
            vocab_file=export_flags.VOCAB_FILE.value,
            tokenization=_TOKENIZATION.value,
            lower_case=export_flags.LOWER_CASE.value,
            default_seq_length=_DEFAULT_SEQ_LENGTH.value,
            export_dir=export_flags.EXPORT_DIR.value,
            version=export_flags.VERSION.value,
            serving_warmup=export_flags.SERVING_WARMUP.value,
        )
    )


if __name__ == "__main__":
    runner.run(main)
