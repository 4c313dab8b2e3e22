"""Delivery: each buyer's own copy of a release, made once, kept beside its signed manifest, and served in any form."""
