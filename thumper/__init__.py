"""The floor that all parts stand on: settings, clock, Kafka, topics, the consumer loop, lag, store, tables."""
