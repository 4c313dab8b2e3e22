"""Names within SQL text."""


def quoted_name(name: str) -> str:
    """A column's or table's name as SQL takes it, whatever characters it has."""
    return '"' + name.replace('"', '""') + '"'
