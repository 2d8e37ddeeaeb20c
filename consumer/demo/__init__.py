"""The product on one machine: sample responses, a stand-in for Segment, and the ledger that compares them."""
