"""Names of the ways to tokenize, as `--tokenization` takes them."""

HUB = "hub"  # as TF Hub's preprocessor
ORIGINAL = "original"  # as tokenization.py of google-research/albert
HUGGING_FACE = "huggingface"  # as a tokenizer.json says, or transformers' AlbertTokenizer
# What any SentencePiece model can have.
SENTENCEPIECE = (HUB, ORIGINAL)
ALL = (*SENTENCEPIECE, HUGGING_FACE)
