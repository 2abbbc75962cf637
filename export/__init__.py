"""Everything that reads weights or writes an artifact, and the commands."""
