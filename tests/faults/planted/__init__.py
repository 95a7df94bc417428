"""Known bugs, planted into the real parts, to see that the harness finds each."""
