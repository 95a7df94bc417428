"""The detector: pictures named in the log to outcomes with boxes."""
