"""Per-buyer fingerprints of delivered copies: planned from a datasheet, embedded into each copy, traced in a leak.

Two channels, both keyed: small changes of measures (quantisation index modulation), and rows that are left out. Pure:
rows are Parquet files and a DuckDB connection, keys and names are arguments. Source: models §8.
"""
