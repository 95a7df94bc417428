"""The audit: what log, tables and store say of each other. Reads only."""
