"""The steps of the preprocessor: one module per attribute of the artifact."""
