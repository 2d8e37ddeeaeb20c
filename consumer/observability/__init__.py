"""What operators see of the service: its logs, its counters, its metrics and its health."""
