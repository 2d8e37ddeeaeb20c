"""From a record that was read to its committed offset: the loop, the partition buffers, and what becomes of records."""
