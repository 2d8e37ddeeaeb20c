"""What an operator sees of the service: its logs, its counts, its metrics and its health."""
