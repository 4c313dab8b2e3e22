"""Funds as their owner sees them: deposits, payouts, statements, invoices."""
