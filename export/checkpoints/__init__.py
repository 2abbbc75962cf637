"""Opens any ALBERT checkpoint and restores it strictly."""
