"""The demo model, and what renders and trains it."""
