"""Exports an encoder and its preprocessor as one SavedModel from text to vectors.

Prints the path of the artifact, <export_dir>/<model_name>/<version>, and nothing else on stdout:

    dir=$(python -m export.embedder --encoder exports/albert_en_large/1 \\
          --preprocessor exports/albert_en_preprocess/1 --pooling mean --normalize)

`hub.load(dir)(["some text"])` gives float32 [B, H]: TF Hub's API for text embeddings from text.
Nothing is computed for padding, and nobody has to choose a sequence length.
"""

import os

from absl import flags

from configs import errors
from export.cli import export_flags, runner
from export.metadata import manifest
from export.publishing import publish

_ENCODER = flags.DEFINE_string("encoder", None, "Folder of an exported encoder. Required.")
_PREPROCESSOR = flags.DEFINE_string(
    "preprocessor", None, "Folder of the exported preprocessor that belongs to it. Required."
)
_POOLING = flags.DEFINE_enum(
    "pooling",
    "pooled",
    ["pooled", "mean", "first"],
    "The vector of a text: the encoder's pooled_output, or the mean over its tokens, or its first "
    "token, of sequence_output.",
)
_NORMALIZE = flags.DEFINE_bool("normalize", False, "Whether to scale the vectors to length one.")
_MAX_SEQ_LENGTH = flags.DEFINE_integer(
    "max_seq_length",
    512,
    "Tokens after which a text is cut, special tokens included.",
    lower_bound=3,
)
flags.adopt_module_key_flags(export_flags)
flags.mark_flags_as_required([_ENCODER, _PREPROCESSOR, export_flags.MODEL_NAME])


def main() -> None:
    encoder, preprocessor = _folder(_ENCODER), _folder(_PREPROCESSOR)
    _check_match(manifest.read(encoder), manifest.read(preprocessor))
    model_name = export_flags.MODEL_NAME.value
    assert model_name is not None  # required
    with publish.staged(
        export_flags.EXPORT_DIR.value,
        model_name=model_name,
        version=export_flags.VERSION.value,
        serving_warmup=export_flags.SERVING_WARMUP.value,
    ) as publication:
        from export.artifacts import (
            embedder_artifact,  # imports TensorFlow: only after all is checked
        )

        embedder_artifact.write(
            publication.directory,
            encoder_dir=encoder,
            preprocessor_dir=preprocessor,
            pooling=_POOLING.value,
            normalize=_NORMALIZE.value,
            max_seq_length=_MAX_SEQ_LENGTH.value,
        )
        print(publication.publish())


def _folder(flag: flags.FlagHolder) -> str:
    folder = flag.value
    if not os.path.isfile(os.path.join(folder, "saved_model.pb")):
        raise errors.InputError(f"--{flag.name} must be the folder of a SavedModel, got {folder!r}")
    return folder


def _check_match(encoder: dict, preprocessor: dict) -> None:
    """Checks that the two were exported by this toolchain, for one tokenizer."""
    problems = [
        f"--{kind} has no manifest of this toolchain as an {kind}; export it anew"
        for kind, found in ((manifest.ENCODER, encoder), (manifest.PREPROCESSOR, preprocessor))
        if found.get("artifact") != kind
    ]
    if not problems and encoder["tokenizer"]["sha256"] != preprocessor["tokenizer"]["sha256"]:
        problems.append(
            f"the encoder was exported with tokenizer {encoder['tokenizer']}, "
            f"the preprocessor with {preprocessor['tokenizer']}"
        )
    longest = encoder.get("config", {}).get("max_position_embeddings", _MAX_SEQ_LENGTH.value)
    if _MAX_SEQ_LENGTH.value > longest:
        problems.append(
            f"max_seq_length must be at most {longest}, the encoder's number of positions, "
            f"got {_MAX_SEQ_LENGTH.value}"
        )
    if problems:
        raise errors.InputError("; ".join(problems))


if __name__ == "__main__":
    runner.run(main)
