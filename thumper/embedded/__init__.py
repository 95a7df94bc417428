"""A real Kafka and a real PostgreSQL without installation."""
