"""The black box: a log of every step that matters, which cannot be changed unnoticed.

Entries are the leaves of a Merkle tree (RFC 6962); signed checkpoints state its size and root, in the database and in a
file outside it. An entry holds only a salted hash of its payload, which may be erased without breaking the tree.
"""
