"""The catalogue: components that were released, listed for trade."""
