"""Proposes what each column of a source holds, by its name, its type and patterns of its values. People decide."""
