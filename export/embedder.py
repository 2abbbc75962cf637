"""Exports an encoder and its preprocessor as one SavedModel from text to vectors.

Prints the path of the artifact, <export_dir>/<model_name>/<version>, and nothing else on stdout:

    dir=$(python -m export.embedder --encoder exports/albert_en_large/1 \\
          --preprocessor exports/albert_en_preprocess/1 \\
          --model_name albert_en_large_embedder --pooling mean --normalize)

`hub.load(dir)(["some text"])` gives float32 [B, H]: TF Hub's API for text embeddings from text.
Nothing is computed for padding, and the caller does not choose a sequence length.
"""

if __name__ == "__main__":
    from export.cli import early_interrupts

    early_interrupts.end_in_one_line()

from absl import flags

from export import api
from export.artifacts import embedder_spec
from export.cli import export_flags, runner, trust_flag

_ENCODER = flags.DEFINE_string("encoder", None, "Folder of an exported encoder.", required=True)
_PREPROCESSOR = flags.DEFINE_string(
    "preprocessor", None, "Folder of the exported preprocessor that belongs to it.", required=True
)
_POOLING = flags.DEFINE_enum(
    "pooling",
    "pooled",
    embedder_spec.POOLINGS,
    "The vector of a text: the encoder's pooled_output, or the mean over its tokens, or its first "
    "token, of sequence_output.",
)
_NORMALIZE = flags.DEFINE_bool("normalize", False, "Whether to scale the vectors to length one.")
_MAX_SEQ_LENGTH = flags.DEFINE_integer(
    "max_seq_length",
    None,
    "Tokens after which a text is cut, special tokens included. Default: 512, or the encoder's "
    "positions if it has fewer.",
    lower_bound=3,
)
_ALLOW_OTHER_TOKENIZATION = flags.DEFINE_bool(
    "allow_other_tokenization",
    False,
    "Whether the preprocessor may have another tokenization than the encoder has recorded.",
)
flags.adopt_module_key_flags(export_flags)
flags.adopt_module_key_flags(trust_flag)
flags.mark_flag_as_required(export_flags.MODEL_NAME)


@trust_flag.applied()
def main() -> None:
    print(
        api.export_embedder(
            encoder=_ENCODER.value,
            preprocessor=_PREPROCESSOR.value,
            model_name=str(export_flags.MODEL_NAME.value),
            pooling=_POOLING.value,
            normalize=_NORMALIZE.value,
            max_seq_length=_MAX_SEQ_LENGTH.value,
            allow_other_tokenization=_ALLOW_OTHER_TOKENIZATION.value,
            **export_flags.destination(),
            log=runner.log,
        )
    )


if __name__ == "__main__":
    runner.run(main)
