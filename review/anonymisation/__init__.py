"""Searches how coarse the quasi-identifiers of a component must be to keep its persons hidden, and writes its model."""
