"""The names of the ways to tokenize with a SentencePiece model, for flags and the code behind them.

tokenizations.ALL  # ("hub", "original")
"""

HUB = "hub"  # what TF Hub's preprocessor does
ORIGINAL = "original"  # what google-research/albert's tokenization.py does
HUGGING_FACE = "huggingface"  # what a tokenizer.json says, or transformers' AlbertTokenizer does
ALL = (HUB, ORIGINAL)  # what any vocabulary can have
