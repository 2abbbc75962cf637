"""Writes and reads `assets.extra/`: manifest, checksums and warm-up requests."""
