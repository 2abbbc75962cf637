"""Names of the ways to tokenize with a SentencePiece model, as `--tokenization` takes them."""

HUB = "hub"  # as TF Hub's preprocessor
ORIGINAL = "original"  # as tokenization.py of google-research/albert
ALL = (HUB, ORIGINAL)
