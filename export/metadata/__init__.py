"""Writes and reads `assets.extra/`: what an artifact says about itself."""
