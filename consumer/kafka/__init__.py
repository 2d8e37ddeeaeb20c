"""Records in, committed offsets and dead letters out: the only package that uses the Kafka client."""
