"""Oversight: what a regulator sees of the market, what it asks of it, and what leaves it for the vault's prices."""
