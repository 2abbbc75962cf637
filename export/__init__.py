"""The commands, and a package for each stage from a checkpoint to a published artifact."""
