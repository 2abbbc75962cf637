"""Reads, batches, embeds and publishes a corpus, shard by shard: see `scripts/embed_corpus.py`."""
