"""The only writer of the tables."""
