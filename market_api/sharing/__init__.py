"""Delta Sharing: the open protocol by which public clients read what a participant is entitled to.

One share, `jinku`, with one schema, `components`, whose tables are the components of the caller's own entitlements; the
version of a table is the number of the release. Source: Delta Sharing Protocol (delta-io/delta-sharing, PROTOCOL.md).
"""
