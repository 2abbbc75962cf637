"""Names of the ways to tokenize with a SentencePiece model, as `--tokenization` takes them."""

HUB = "hub"  # as TF Hub's preprocessor
ORIGINAL = "original"  # as tokenization.py of google-research/albert
HUGGING_FACE = "huggingface"  # as a tokenizer.json says, or transformers' AlbertTokenizer
ALL = (HUB, ORIGINAL)  # what any vocabulary can have
