"""Negotiation (议价): two parties agree on a price within a band around P¹."""
