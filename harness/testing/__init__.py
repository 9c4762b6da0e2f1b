"""For a project's own tests: its app on a real PostgreSQL behind a real Toxiproxy, held to invariants."""
