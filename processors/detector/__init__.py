"""Pictures to detections: the consumer group that looks."""
