"""Releases: immutable versions of components, the only tables that leave the vault, each with its signed datasheet."""
