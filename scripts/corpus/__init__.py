"""Embedding of corpora: what is read, how it is batched, embedded and published, shard by shard.

`scripts/embed_corpus.py` is the command.
"""
