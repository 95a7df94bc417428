"""The monitor: counts outcomes in windows, looks at everything every five seconds, and raises alerts."""
