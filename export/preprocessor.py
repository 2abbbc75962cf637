"""Exports the preprocessor of an ALBERT encoder as a TF Hub-compatible SavedModel.

Prints the path of the artifact, <export_dir>/<model_name>/<version>, and nothing else on stdout:

    dir=$(python -m export.preprocessor --sp_model_file 30k-clean.model)

Without --sp_model_file or --vocab_file it is made for the demo vocabulary that ships with the
project.
"""

from absl import flags

from configs import errors
from export import command, publish
from export import flags as shared_flags
from preprocess import tokenizations, vocabularies

_DEFAULT_SEQ_LENGTH = flags.DEFINE_integer(
    "default_seq_length",
    128,
    "Length of the packed rows where the caller gives none, special tokens included.",
    lower_bound=3,
)
_TOKENIZATION = flags.DEFINE_enum(
    "tokenization",
    tokenizations.HUB,
    tokenizations.ALL,
    "Whose ids a SentencePiece model gives: TF Hub's preprocessor's, or google-research/albert's, "
    "with which the released models were trained.",
)
flags.adopt_module_key_flags(shared_flags)


def main() -> None:
    vocabulary = _vocabulary()
    with publish.staged(
        shared_flags.EXPORT_DIR.value,
        model_name=shared_flags.MODEL_NAME.value or "albert_en_preprocess",
        version=shared_flags.VERSION.value,
        serving_warmup=shared_flags.SERVING_WARMUP.value,
    ) as publication:
        from export import preprocessor_artifact  # imports TensorFlow: only after all is checked

        preprocessor_artifact.write(
            publication.directory,
            vocabulary=vocabulary,
            tokenization=_TOKENIZATION.value,
            lower_case=shared_flags.LOWER_CASE.value,
            default_seq_length=_DEFAULT_SEQ_LENGTH.value,
        )
        print(publication.publish())


def _vocabulary() -> vocabularies.Vocabulary:
    vocab_file = shared_flags.VOCAB_FILE.value
    if vocab_file is not None and _TOKENIZATION.value != tokenizations.HUB:
        raise errors.VocabularyError(
            f"--tokenization={_TOKENIZATION.value} is for a SentencePiece model, not --vocab_file"
        )
    return vocabularies.read(shared_flags.SP_MODEL_FILE.value, vocab_file=vocab_file)


if __name__ == "__main__":
    command.run(main)
