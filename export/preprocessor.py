"""Exports the preprocessor of an ALBERT encoder as a TF Hub-compatible SavedModel.

Prints the path of the artifact, <export_dir>/<model_name>/<version>, and nothing else on stdout:

    dir=$(python -m export.preprocessor --sp_model_file 30k-clean.model)

Without --sp_model_file it is made for the demo vocabulary that ships with the project.
"""

from absl import flags

from export import command, publish
from export import flags as shared_flags
from preprocess import sentencepiece_model

_DEFAULT_SEQ_LENGTH = flags.DEFINE_integer(
    "default_seq_length",
    128,
    "Length of the packed rows where the caller gives none, special tokens included.",
    lower_bound=3,
)
_LOWER_CASE = flags.DEFINE_bool(
    "lower_case", True, "Whether to fold case: the released ALBERT models are uncased."
)
_TOKENIZATION = flags.DEFINE_enum(
    "tokenization",
    "hub",
    ["hub", "original"],
    "Whose ids to give: TF Hub's preprocessor's, or google-research/albert's, with which the "
    "released models were trained.",
)
flags.adopt_module_key_flags(shared_flags)


def main() -> None:
    sp_model = sentencepiece_model.read(shared_flags.SP_MODEL_FILE.value)
    with publish.staged(
        shared_flags.EXPORT_DIR.value,
        model_name=shared_flags.MODEL_NAME.value or "albert_en_preprocess",
        version=shared_flags.VERSION.value,
    ) as staging:
        from export import preprocessor_artifact  # imports TensorFlow: only after all is checked

        preprocessor_artifact.write(
            staging.directory,
            sp_model=sp_model,
            tokenization=_TOKENIZATION.value,
            lower_case=_LOWER_CASE.value,
            default_seq_length=_DEFAULT_SEQ_LENGTH.value,
        )
        print(staging.publish())


if __name__ == "__main__":
    command.run(main)
