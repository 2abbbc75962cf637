"""The pages of a release."""
