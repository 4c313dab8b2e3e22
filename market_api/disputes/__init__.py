"""Disputes: a buyer contests what it was delivered; the money stays pending until an arbiter decided."""
