"""From normalized text to ids: SentencePiece, WordPiece, and the choice between them."""
