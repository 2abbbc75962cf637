"""Finds the sentences nearest to a query, by the cosine of their vectors.

    python -m export.embedder --encoder exports/albert_en_large/1 --model_name embedder \\
        --preprocessor exports/albert_en_preprocess/1 --pooling mean --normalize
    EMBEDDER=exports/embedder/1 QUERY="Who plays music?" python examples/nearest_sentences.py

ALBERT needs fine-tuning for this; random weights find little more than equal words. For corpora
that do not fit one machine see scripts/embed_corpus.py.
"""

# %% Settings
import os
import pathlib
import sys

import tensorflow as tf
import tensorflow_hub as hub
import tensorflow_text  # noqa: F401, registers the embedder's ops

EMBEDDER = os.environ.get("EMBEDDER", "exports/embedder/1")
SENTENCES_FILE = os.environ.get("SENTENCES_FILE")  # one sentence per line
QUERY = os.environ.get("QUERY", "Who plays music?")
try:
    TOP_K = int(os.environ.get("TOP_K", "3"))
except ValueError as error:
    sys.exit(f"error: TOP_K must be a number: {error}")
BATCH_SIZE = 256

# %% Sentences to search
SENTENCES = [
    "The river rose slowly through the night.",
    "By morning the water had covered the lower road.",
    "She tuned the old violin before the concert.",
    "The musicians took their seats and began to play.",
    "A recipe for bread needs flour, water, salt and time.",
    "The café at the corner opens at seven.",
    "Our train was late because of the snow.",
    "The children built a boat of paper.",
]
if SENTENCES_FILE:
    try:
        SENTENCES = pathlib.Path(SENTENCES_FILE).read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:  # ValueError: it is not UTF-8
        sys.exit(f"error: SENTENCES_FILE cannot be read: {error}")
    if not SENTENCES:
        sys.exit(f"error: SENTENCES_FILE is empty: {SENTENCES_FILE}")

# %% Vectors of length one: their dot product is the cosine
try:
    embedder = hub.load(EMBEDDER)
    is_embedder = tf.is_tensor(embedder(tf.constant([QUERY])))  # others return several, by name
except (OSError, ValueError, TypeError, tf.errors.OpError) as error:
    sys.exit(f"error: EMBEDDER must be an exported embedder: {' '.join(str(error).split())}")
if not is_embedder:
    sys.exit(f"error: EMBEDDER must be an exported embedder, not another model: {EMBEDDER}")


def embed(sentences: list) -> tf.Tensor:
    """Returns float32 [B, H]."""
    batches = [sentences[i : i + BATCH_SIZE] for i in range(0, len(sentences), BATCH_SIZE)]
    vectors = tf.concat([embedder(tf.constant(batch)) for batch in batches], axis=0)
    return tf.math.l2_normalize(vectors, axis=1)  # does not change vectors of --normalize


index = embed(SENTENCES)  # [N, H]

# %% The nearest
cosines = tf.linalg.matvec(index, embed([QUERY])[0])  # [N]
nearest = tf.math.top_k(cosines, k=min(TOP_K, len(SENTENCES)))
for cosine, number in zip(nearest.values.numpy(), nearest.indices.numpy(), strict=True):
    print(f"{cosine:.3f}  {SENTENCES[number]}")
