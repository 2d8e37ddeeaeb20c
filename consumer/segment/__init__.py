"""How calls are delivered: request bodies, one attempt, what an answer means, and when what is sent again."""
