"""The benchmark: what an event costs in CPU and memory, beside a bare loop over the same records."""
