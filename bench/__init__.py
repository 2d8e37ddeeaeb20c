"""The benchmark: the CPU time and memory of an event, compared with a bare loop over the same records."""
