"""Text models for other runtimes: from text to the answer."""
