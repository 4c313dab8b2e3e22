"""Entitlements: the data account of a participant, what it may pull, for what, how often and how long."""
