"""The shop with four faults in its handling of the database. Everything else is the shop's own code."""
