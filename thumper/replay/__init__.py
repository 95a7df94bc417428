"""Doing events again: which offsets, what it means, and how it is done and undone."""
