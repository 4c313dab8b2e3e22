"""Stand-ins for the city's real files."""
