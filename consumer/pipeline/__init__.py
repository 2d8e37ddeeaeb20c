"""The way of a record: the loop, the buffers of partitions, and what is done with each record."""
