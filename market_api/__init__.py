"""The market service: its own database, never the vault's."""
