"""Everything behind `export.verify`: the contract's checks, and comparison with the checkpoint."""
