"""Rows and lag to answers."""
