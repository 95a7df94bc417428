"""Pictures and wishes to events."""
