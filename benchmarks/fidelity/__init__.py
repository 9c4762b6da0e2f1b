"""Whether poolstorm's own figures can be trusted: `make fidelity`, or `python -m benchmarks.fidelity`.

Each check holds one claim against an independent measure of the same thing. docs/measurement.md is written from
what a whole run measured, and is never edited by hand.
"""
