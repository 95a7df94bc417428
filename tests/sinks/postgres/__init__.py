"""Tests of the sink on PostgreSQL."""
