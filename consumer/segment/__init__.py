"""Delivery to Segment: request bodies, one HTTP attempt, what its response means, and what is sent again when."""
