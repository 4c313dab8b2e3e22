"""The security review of components and their release, as assets."""
