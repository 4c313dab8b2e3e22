"""Valuation: what each component is worth, and what it is priced at."""
