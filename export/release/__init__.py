"""From checkpoints to a folder of models that strangers can load, understand and check."""
