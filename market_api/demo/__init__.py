"""A market played through in under a minute: a sale, a negotiation, an auction, pulls, a leak and its trace.

The server is the market's own on a port of loopback, over the releases of the home; whoever takes part does all over
HTTP. The folder is temporary, and the clock is moved by the play. It ends with status 1 where any step is not as it
should be.
"""
