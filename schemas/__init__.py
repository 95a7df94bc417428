"""The events that travel on the topics: the ground that every other room stands on."""
