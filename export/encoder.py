"""Exports an ALBERT encoder as a TF Hub-compatible SavedModel.

Prints the path of the artifact, <export_dir>/<model_name>/<version>, and nothing else on stdout:

    dir=$(python -m export.encoder --checkpoint albert_large --model_name albert_en_large)
    dir=$(python -m export.encoder --config large)

Without a checkpoint the weights are random, and stderr and the manifest say so.
"""

from typing import Any

from absl import flags

from configs import albert_config, errors
from export.artifacts import encoder_spec
from export.cli import checkpoint_flags, export_flags, runner
from export.publishing import publish

_SEED = flags.DEFINE_integer("seed", 0, "Seed of the random weights.", lower_bound=0)
_HIDDEN_DROPOUT_PROB = flags.DEFINE_float(
    "hidden_dropout_prob", None, "Overrides the config's hidden_dropout_prob."
)
_ATTENTION_PROBS_DROPOUT_PROB = flags.DEFINE_float(
    "attention_probs_dropout_prob", None, "Overrides the config's attention_probs_dropout_prob."
)
_MLM = flags.DEFINE_bool(
    "mlm",
    None,
    "Whether to export the masked language model, `.mlm`. Default: what the weights have.",
)
_TOKENIZER = flags.DEFINE_bool(
    "tokenizer",
    True,
    "Whether there is a tokenizer. --notokenizer exports weights for ids that are not made from "
    "text (phonemes, proteins).",
)
_COMPUTE_DTYPE = flags.DEFINE_enum(
    "compute_dtype",
    "float32",
    ["float32", "bfloat16"],
    "Dtype of activations and matrix products. Variables and outputs are float32 always.",
)
flags.adopt_module_key_flags(checkpoint_flags)
flags.adopt_module_key_flags(export_flags)


def main() -> None:
    spec = _spec()
    model_name = _model_name()
    with publish.staged(
        export_flags.EXPORT_DIR.value,
        model_name=model_name,
        version=export_flags.VERSION.value,
        serving_warmup=export_flags.SERVING_WARMUP.value,
    ) as publication:
        for notice in spec.notices():
            runner.log(f"{model_name}: {notice}")
        from export.artifacts import (
            encoder_artifact,  # imports TensorFlow: only after all is checked
        )

        encoder_artifact.write(publication.directory, spec=spec, compute_dtype=_COMPUTE_DTYPE.value)
        print(publication.publish())


def _spec() -> encoder_spec.EncoderSpec:
    overrides: dict[str, Any] = {
        flag.name: flag.value
        for flag in (_HIDDEN_DROPOUT_PROB, _ATTENTION_PROBS_DROPOUT_PROB)
        if flag.value is not None
    }
    common: dict[str, Any] = {
        "overrides": overrides,
        "sp_model_file": export_flags.SP_MODEL_FILE.value,
        "vocab_file": export_flags.VOCAB_FILE.value,
        "lower_case": export_flags.LOWER_CASE.value,
        "mlm": _MLM.value,
    }
    config = checkpoint_flags.CONFIG.value
    checkpoint = checkpoint_flags.CHECKPOINT.value
    if checkpoint is None:
        return encoder_spec.untrained(config, seed=_SEED.value, **common)
    checkpoint_format = checkpoint_flags.CHECKPOINT_FORMAT.value
    return encoder_spec.from_checkpoint(
        checkpoint,
        checkpoint_format=checkpoint_format,
        config=config,
        tokenizer=_TOKENIZER.value,
        adapter=checkpoint_flags.ADAPTER.value,
        allow_unused=checkpoint_flags.ALLOW_UNUSED.value,
        **common,
    )


def _model_name() -> str:
    if export_flags.MODEL_NAME.value:
        return export_flags.MODEL_NAME.value
    if checkpoint_flags.CONFIG.value in albert_config.SIZES:
        return f"albert_en_{checkpoint_flags.CONFIG.value}"
    raise errors.DestinationError("--model_name is required unless --config is a size")


if __name__ == "__main__":
    runner.run(main)
