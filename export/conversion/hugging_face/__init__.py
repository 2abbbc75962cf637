"""Hugging Face: a folder of weights, config and tokenizer that transformers loads."""
