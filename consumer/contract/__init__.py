"""From a decoded record to a Segment track event: contract files, read, checked and compiled."""
