"""What every command shares: flags, exit status, progress."""
