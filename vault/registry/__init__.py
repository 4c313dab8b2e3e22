"""The registry: the vault's SQL database of rights, consents, reviews, releases and the black box."""
