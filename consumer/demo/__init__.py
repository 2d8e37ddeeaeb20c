"""The product on one machine: sample responses, a stand-in of Segment, and the ledger between them."""
