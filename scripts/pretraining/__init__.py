"""Continues an encoder's pre-training on text: see `scripts/continue_mlm.py`."""
