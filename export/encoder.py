"""Exports an ALBERT encoder as a TF Hub-compatible SavedModel.

Prints the path of the artifact, <export_dir>/<model_name>/<version>, and nothing else on stdout:

    dir=$(python -m export.encoder --checkpoint albert_large --model_name albert_en_large)
    dir=$(python -m export.encoder --config large)
    dir=$(python -m export.encoder --config large --attention_outputs --from_embeddings)
    dir=$(python -m export.encoder --config large --recompute)

Without a checkpoint the weights are random, and stderr and the manifest say so.
"""

if __name__ == "__main__":
    from export.cli import early_interrupts

    early_interrupts.end_in_one_line()

from absl import flags

from export import api
from export.cli import (
    checkpoint_flags,
    encoder_flags,
    export_flags,
    progress,
    runner,
    tokenizer_flags,
)

_SEED = flags.DEFINE_integer("seed", 0, "Seed of the random weights.", lower_bound=0)
_TOKENIZER = flags.DEFINE_bool(
    "tokenizer",
    True,
    "Whether there is a tokenizer. --notokenizer exports weights for ids that are not made from "
    "text (phonemes, proteins).",
)
_ATTENTION_OUTPUTS = flags.DEFINE_bool(
    "attention_outputs",
    False,
    "Whether callables that compute padding also return `attention_probs`, the attention of every "
    "block.",
)
_FROM_EMBEDDINGS = flags.DEFINE_bool(
    "from_embeddings",
    False,
    "Whether to export `.from_embeddings`: the encoder and its heads on word embeddings instead of "
    "ids, for gradients with respect to the input.",
)
_RECOMPUTE = flags.DEFINE_bool(
    "recompute",
    False,
    "Whether training computes each block again in the backward pass, instead of keeping its "
    "activations: less memory, more time.",
)
for module in (checkpoint_flags, encoder_flags, tokenizer_flags, export_flags):
    flags.adopt_module_key_flags(module)


def main() -> None:
    with progress.callback("reading weights") as on_progress:
        path = api.export_encoder(
            checkpoint_flags.CHECKPOINT.value,
            model_name=export_flags.MODEL_NAME.value,
            tokenizer=tokenizer_flags.request() if _TOKENIZER.value else None,
            attention_outputs=_ATTENTION_OUTPUTS.value,
            from_embeddings=_FROM_EMBEDDINGS.value,
            recompute=_RECOMPUTE.value,
            seed=_SEED.value,
            **checkpoint_flags.values(),
            **encoder_flags.values(),
            **export_flags.destination(),
            log=runner.log,
            on_progress=on_progress,
        )
    print(path)


if __name__ == "__main__":
    runner.run(main)
