"""The vault (金库): raw, base and resource layers, and what the pipeline and the market both need."""
