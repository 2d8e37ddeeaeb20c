"""sprig-to-segment: survey responses of Sprig from Kafka to Segment, each exactly accounted for."""
