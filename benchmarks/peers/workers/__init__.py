"""What runs inside an engine's own virtual environment: no import of the toolchain, nor of absl."""
