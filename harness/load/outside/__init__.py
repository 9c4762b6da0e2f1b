"""Load from a locustfile of the user's: its import, its users, and what is recorded of their requests."""
