"""LiteRT, which was TensorFlow Lite, by TensorFlow's own converter."""
