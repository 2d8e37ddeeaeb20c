"""From the bytes of a Kafka record to a decoded record: framing, the writer's schema, decoding."""
