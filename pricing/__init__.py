"""Prices: pure functions."""
