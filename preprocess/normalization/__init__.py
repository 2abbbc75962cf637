"""Unicode normalization in the graph, and the way back to bytes of the original text."""
