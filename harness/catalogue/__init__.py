"""Bring the failures of the catalogue out: each pair of apps under its scenario, into a run folder of its own."""
