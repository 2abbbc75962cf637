"""Exports an ALBERT encoder as a TF Hub-compatible SavedModel.

Prints the path of the artifact, <export_dir>/<model_name>/<version>, and nothing else on stdout:

    dir=$(python -m export.encoder --checkpoint albert_large --model_name albert_en_large)
    dir=$(python -m export.encoder --config large)

Without a checkpoint the weights are random, and stderr and the manifest say so.
"""

from absl import flags

from export import api
from export.cli import checkpoint_flags, export_flags, progress, runner, tokenizer_flags

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
flags.adopt_module_key_flags(tokenizer_flags)


def main() -> None:
    with progress.callback("reading weights") as on_progress:
        path = api.export_encoder(
            checkpoint_flags.CHECKPOINT.value,
            model_name=export_flags.MODEL_NAME.value,
            config=checkpoint_flags.CONFIG.value,
            checkpoint_format=checkpoint_flags.CHECKPOINT_FORMAT.value,
            mlm=_MLM.value,
            tokenizer=_TOKENIZER.value,
            adapter=checkpoint_flags.ADAPTER.value,
            allow_unused=checkpoint_flags.ALLOW_UNUSED.value,
            hidden_dropout_prob=_HIDDEN_DROPOUT_PROB.value,
            attention_probs_dropout_prob=_ATTENTION_PROBS_DROPOUT_PROB.value,
            compute_dtype=_COMPUTE_DTYPE.value,
            seed=_SEED.value,
            export_dir=export_flags.EXPORT_DIR.value,
            version=export_flags.VERSION.value,
            serving_warmup=export_flags.SERVING_WARMUP.value,
            **tokenizer_flags.values(),
            log=runner.log,
            on_progress=on_progress,
        )
    print(path)


if __name__ == "__main__":
    runner.run(main)
