"""From a decoded record to a Segment call: contract files, compiled and checked."""
