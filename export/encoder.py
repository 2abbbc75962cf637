"""Exports an ALBERT encoder as a TF Hub-compatible SavedModel.

Prints the path of the artifact, <export_dir>/<model_name>/<version>, and nothing else on stdout:

    dir=$(python -m export.encoder --config large)

Without a checkpoint the weights are random, and stderr and the manifest say so.
"""

import dataclasses
from typing import Any

from absl import flags

from configs import albert_config, errors
from export import command, publish
from export import flags as shared_flags
from preprocess import sentencepiece_model

_CONFIG = flags.DEFINE_string(
    "config",
    None,
    f"Size ({', '.join(albert_config.SIZES)}), or path of an albert_config.json "
    "(google-research/albert) or config.json (Hugging Face). Required.",
)
_SEED = flags.DEFINE_integer("seed", 0, "Seed of the random weights.", lower_bound=0)
_HIDDEN_DROPOUT_PROB = flags.DEFINE_float(
    "hidden_dropout_prob", None, "Overrides the config's hidden_dropout_prob."
)
_ATTENTION_PROBS_DROPOUT_PROB = flags.DEFINE_float(
    "attention_probs_dropout_prob", None, "Overrides the config's attention_probs_dropout_prob."
)
_MLM = flags.DEFINE_bool("mlm", True, "Whether to export the masked language model, `.mlm`.")
_COMPUTE_DTYPE = flags.DEFINE_enum(
    "compute_dtype",
    "float32",
    ["float32", "bfloat16"],
    "Dtype of activations and matrix products. Variables and outputs are float32 always.",
)
flags.adopt_module_key_flags(shared_flags)


def main() -> None:
    config = _config()
    sp_model = sentencepiece_model.read(shared_flags.SP_MODEL_FILE.value)
    sp_model.check_vocab_size(config.vocab_size)
    model_name = _model_name()
    with publish.staged(
        shared_flags.EXPORT_DIR.value, model_name=model_name, version=shared_flags.VERSION.value
    ) as staging:
        seed = _SEED.value
        command.progress(
            f"{model_name}: no checkpoint, so the weights are random (seed {seed}) and untrained"
        )
        from export import encoder_artifact  # imports TensorFlow: only after all is checked

        encoder_artifact.write(
            staging.directory,
            config=config,
            sp_model=sp_model,
            seed=seed,
            mlm=_MLM.value,
            compute_dtype=_COMPUTE_DTYPE.value,
        )
        print(staging.publish())


def _config() -> albert_config.AlbertConfig:
    if _CONFIG.value is None:
        raise errors.ConfigError(
            f"--config is required: {', '.join(albert_config.SIZES)} or a path"
        )
    overrides: dict[str, Any] = {
        flag.name: flag.value
        for flag in (_HIDDEN_DROPOUT_PROB, _ATTENTION_PROBS_DROPOUT_PROB)
        if flag.value is not None
    }
    return dataclasses.replace(albert_config.load(_CONFIG.value), **overrides)


def _model_name() -> str:
    if shared_flags.MODEL_NAME.value:
        return shared_flags.MODEL_NAME.value
    if _CONFIG.value in albert_config.SIZES:
        return f"albert_en_{_CONFIG.value}"
    raise errors.DestinationError("--model_name is required when --config is a path")


if __name__ == "__main__":
    command.run(main)
