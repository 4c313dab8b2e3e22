"""Rates of tax and fee by day, and how they and the contracted shares split the payment of a sale."""
