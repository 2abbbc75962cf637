"""Shows what an exported encoder and preprocessor do with a few sentences.

    python scripts/demo.py --encoder exports/albert_en_large/1 \\
        --preprocessor exports/albert_en_preprocess/1
"""

if __name__ == "__main__":
    from export.cli import early_interrupts

    early_interrupts.end_in_one_line()

import json
import os
from typing import Any

from absl import flags

from configs import errors
from export.artifacts import tokenizer_choice
from export.cli import runner, trust_flag
from export.metadata import manifest
from export.saved_models import loading

_ENCODER = flags.DEFINE_string("encoder", None, "Folder of an exported encoder.", required=True)
_PREPROCESSOR = flags.DEFINE_string(
    "preprocessor", None, "Folder of an exported preprocessor.", required=True
)
flags.adopt_module_key_flags(trust_flag)

SENTENCES = (
    "The river rose slowly through the night.",
    "By morning the water had covered the lower road.",
    "She tuned the old violin before the concert.",
    "The musicians took their seats and began to play.",
    "A recipe for bread needs flour, water, salt and time.",
)
_REAL_WEIGHTS = """
The weights are random, so the vectors mean nothing. For real weights:
  make export CHECKPOINT=albert_large/model.ckpt-best
  make export CHECKPOINT=hf://albert/albert-large-v2"""


@trust_flag.applied()
def main() -> None:
    encoder_dir, preprocessor_dir = _folder(_ENCODER), _folder(_PREPROCESSOR)
    weights = manifest.read(encoder_dir).get("weights", {})
    untrained = weights.get("source") == "untrained"
    show(encoder_dir, preprocessor_dir, nearest=not untrained)
    print(f"\nWeights: {json.dumps(weights)}")
    if untrained:
        print(_REAL_WEIGHTS)


def _folder(flag: flags.FlagHolder) -> str:
    if not flag.value or not os.path.isdir(flag.value):
        raise errors.InputError(f"--{flag.name} must be a folder, got {flag.value!r}")
    return flag.value


def show(encoder_dir: str, preprocessor_dir: str, *, nearest: bool) -> None:
    """Loads both artifacts, runs `SENTENCES` through them, and prints the outputs.

    Args:
      encoder_dir: folder of an exported encoder.
      preprocessor_dir: folder of the exported preprocessor for the same vocabulary.
      nearest: whether to print the nearest sentences, which are meaningless for random weights.
    """
    import tensorflow as tf
    import tensorflow_text  # noqa: F401, registers the preprocessor's ops

    encoder = loading.load(encoder_dir)
    preprocessor = loading.load(preprocessor_dir)
    inputs = preprocessor(tf.constant(SENTENCES))
    outputs = encoder(inputs)

    print("\nThe first sentence, preprocessed:")
    request = tokenizer_choice.Request()
    tokenizer = tokenizer_choice.of(request, checkpoint=None, encoder=encoder_dir)
    length = int(tf.reduce_sum(inputs["input_mask"][0]))
    ids = inputs["input_word_ids"][0, :length].numpy().tolist()
    print("  ids    ", ids)
    print("  tokens ", *(tokenizer.described.pieces[i] for i in ids))

    print("\nShapes:")
    for name, tensor in {**inputs, **outputs}.items():
        if name == "encoder_outputs":
            print(f"  {name:16} {len(tensor)} x {tensor[0].shape}")
        else:
            print(f"  {name:16} {tensor.shape}")

    if nearest:
        _print_nearest(outputs["default"])


def _print_nearest(texts: Any) -> None:
    import tensorflow as tf

    print("\nNearest sentence by the cosine of their vectors, output default:")
    vectors = tf.math.l2_normalize(texts, axis=1)  # [B, H]
    similarity = tf.matmul(vectors, vectors, transpose_b=True)  # [B, B]
    similarity = tf.linalg.set_diag(similarity, tf.fill([len(SENTENCES)], -1.0))
    for index, other in enumerate(tf.argmax(similarity, axis=1).numpy()):
        print(f"  {SENTENCES[index]}\n    {similarity[index, other]:.3f}  {SENTENCES[other]}")


if __name__ == "__main__":
    runner.run(main)
