"""From a list of models to a folder to host, which strangers can load, understand and check."""
