"""Targets with something planted: twins of others, for a gate to be tried on (`poolstorm calibrate power`)."""
