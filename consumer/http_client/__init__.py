"""All HTTP of the service: one request on a connection, direct or through a proxy, within one deadline."""
