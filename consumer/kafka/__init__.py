"""Where records come from and where offsets and dead letters go: the only room that knows the Kafka client."""
