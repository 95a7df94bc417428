"""The roof: composes, starts, prints."""
