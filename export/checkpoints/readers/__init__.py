"""One module per file format or source of checkpoints: names and tensors, read lazily."""
