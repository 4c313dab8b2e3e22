"""What each `jinku` command does."""
