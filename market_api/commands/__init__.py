"""`jinku market`: the market's command line. Its own commands serve, prove and trace on the market's machine; all
others go over the network as any participant does, with the login that `apply` or `login` has kept."""
