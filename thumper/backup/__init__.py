"""Backup and restore: the store, and the log offset by offset; the tables follow from them."""
