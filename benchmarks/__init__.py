"""Ratios against a ceiling and against peers, measured side by side: `python -m benchmarks`."""
