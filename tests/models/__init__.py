"""Tests of the drawn scenes and of the demo model."""
