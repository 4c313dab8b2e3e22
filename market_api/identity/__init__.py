"""Who takes part: admission, credentials, tokens, and who it is that calls."""
