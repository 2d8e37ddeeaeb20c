"""What is exported with OpenTelemetry: the spans of attempts, and the metrics."""
