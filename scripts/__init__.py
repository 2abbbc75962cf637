"""Scripts around the toolchain; only their tests import them."""
