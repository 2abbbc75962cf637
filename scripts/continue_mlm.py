"""Continues the masked language model training of an exported encoder on your own text.

    python scripts/continue_mlm.py --encoder exports/albert_en_large/1 \\
        --preprocessor exports/albert_en_preprocess/1 --text_file corpus.txt --output_dir trained
    python -m export.encoder --checkpoint trained --model_name albert_en_large_mine

Prints `--output_dir`, which then has the encoder with the new weights. The text file has one
passage per line; long passages are split into windows, so that no text is lost. The preprocessor's
`mask_lm` masks as ALBERT's authors did.
"""

import os
import shutil
from collections.abc import Iterator
from typing import Any

from absl import flags

from configs import errors, hub_api
from export.cli import runner, trust_flag
from export.metadata import checksums, manifest
from export.saved_models import loading

_ENCODER = flags.DEFINE_string("encoder", None, "Folder of an exported encoder with `.mlm`.")
_PREPROCESSOR = flags.DEFINE_string("preprocessor", None, "Folder of its exported preprocessor.")
_TEXT_FILE = flags.DEFINE_string("text_file", None, "Text in UTF-8, one passage per line.")
_OUTPUT_DIR = flags.DEFINE_string("output_dir", None, "Folder to write; must not exist.")
flags.mark_flags_as_required([_ENCODER, _PREPROCESSOR, _TEXT_FILE, _OUTPUT_DIR])
_NUM_STEPS = flags.DEFINE_integer("num_steps", 1000, "Steps to train.", lower_bound=1)
_BATCH_SIZE = flags.DEFINE_integer("batch_size", 32, "Windows per step.", lower_bound=1)
_SEQ_LENGTH = flags.DEFINE_integer("seq_length", 128, "Tokens per window.", lower_bound=8)
_LEARNING_RATE = flags.DEFINE_float("learning_rate", 1e-4, "Adam's, after a warm-up of 10%.")
_SEED = flags.DEFINE_integer("seed", 0, "Seed of shuffling and masking.", lower_bound=0)
flags.adopt_module_key_flags(trust_flag)

_SHUFFLED_WINDOWS = 10_000
_REPORTS = 20  # lines about the loss in the whole training


@trust_flag.applied()
def main() -> None:
    encoder_dir, preprocessor_dir = (_existing(flag) for flag in (_ENCODER, _PREPROCESSOR))
    text_file = _existing(_TEXT_FILE)
    output_dir = _OUTPUT_DIR.value
    if not output_dir or os.path.lexists(output_dir):
        raise errors.DestinationError(f"--output_dir must be a new folder, got {output_dir!r}")
    losses = train(
        encoder_dir, preprocessor_dir=preprocessor_dir, text_file=text_file, output_dir=output_dir
    )
    every = max(_NUM_STEPS.value // _REPORTS, 1)
    window = []
    for step, loss in enumerate(losses, start=1):
        window.append(loss)
        if step % every == 0:
            runner.log(f"step {step}: loss {sum(window) / len(window):.4f}")
            window.clear()
    print(output_dir)


def _existing(flag: flags.FlagHolder) -> str:
    if not os.path.exists(flag.value):
        raise errors.InputError(f"--{flag.name} must exist, got {flag.value!r}")
    return flag.value


def train(
    encoder_dir: str, *, preprocessor_dir: str, text_file: str, output_dir: str
) -> Iterator[float]:
    """Trains and saves; yields each step's loss, the mean cross entropy per masked token in nats.

    Raises:
      errors.InputError: the encoder has no `.mlm`, or the text file has no text.
    """
    import tensorflow as tf
    import tensorflow_text  # noqa: F401, registers the preprocessor's ops
    import tf_keras

    encoder = loading.load(encoder_dir)
    if not hasattr(encoder, "mlm"):
        raise errors.InputError(f"{encoder_dir!r} was exported without a masked language model")
    batches = _batches(loading.load(preprocessor_dir), text_file)
    mlm = encoder.unpadded.mlm  # computes nothing for padding
    warm_up = max(_NUM_STEPS.value // 10, 1)
    schedule = tf_keras.optimizers.schedules.PolynomialDecay(
        _LEARNING_RATE.value, _NUM_STEPS.value, end_learning_rate=0.0
    )
    optimizer = tf_keras.optimizers.Adam(_LEARNING_RATE.value, global_clipnorm=1.0)

    @tf.function(autograph=False)
    def step(batch: dict[str, Any]) -> tf.Tensor:
        labels, weights = batch["masked_lm_ids"], batch["masked_lm_weights"]
        inputs = {name: batch[name] for name in hub_api.MLM_INPUTS}
        with tf.GradientTape() as tape:
            logits = mlm(inputs, training=True)[hub_api.MLM_LOGITS]  # [B, P, V]
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)  # [B, P]
            loss = tf.math.divide_no_nan(tf.reduce_sum(losses * weights), tf.reduce_sum(weights))
        gradients = tape.gradient(loss, mlm.trainable_variables)
        optimizer.apply_gradients(zip(gradients, mlm.trainable_variables, strict=True))
        return loss

    number = -1
    for number, batch in enumerate(batches.take(_NUM_STEPS.value)):
        rise = min((number + 1) / warm_up, 1.0)
        optimizer.learning_rate.assign(rise * schedule(number))
        yield float(step(batch))
    if number < 0:
        raise errors.InputError(f"{text_file!r} has no text")
    tf.saved_model.save(encoder, output_dir, signatures=dict(encoder.signatures))
    _copy_manifest(encoder_dir, output_dir)


def _copy_manifest(encoder_dir: str, output_dir: str) -> None:
    """Copies the manifest, which has the config for the exporter, and writes the checksums."""
    path = os.path.join(output_dir, manifest.FILE)
    os.makedirs(os.path.dirname(path))
    shutil.copyfile(os.path.join(encoder_dir, manifest.FILE), path)
    checksums.write(output_dir)


def _batches(preprocessor: Any, text_file: str) -> Any:
    """Returns an endless dataset of masked batches, which is empty if there is no text."""
    import tensorflow as tf

    seq_length, seed = _SEQ_LENGTH.value, _SEED.value

    @tf.autograph.experimental.do_not_convert
    def windows(lines: tf.Tensor) -> dict[str, tf.Tensor]:
        tokens = preprocessor.tokenize(lines)
        packed, _ = preprocessor.split_windows(tokens, seq_length, seq_length - 2)
        return packed

    @tf.autograph.experimental.do_not_convert
    def mask(number: tf.Tensor, packed: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        return preprocessor.mask_lm(packed, tf.stack([tf.constant(seed, tf.int64), number]))

    @tf.autograph.experimental.do_not_convert
    def is_text(line: tf.Tensor) -> tf.Tensor:
        return tf.strings.length(tf.strings.strip(line)) > 0

    lines = tf.data.TextLineDataset(text_file).filter(is_text)
    dataset = lines.batch(_BATCH_SIZE.value).map(windows).unbatch().cache()
    dataset = dataset.shuffle(_SHUFFLED_WINDOWS, seed=seed).repeat().batch(_BATCH_SIZE.value)
    return dataset.enumerate().map(mask).prefetch(tf.data.AUTOTUNE)


if __name__ == "__main__":
    runner.run(main, gpu=True)
