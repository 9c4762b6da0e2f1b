"""What the parts cost, by pytest-benchmark: `make bench`. Figures compare within a group, on one machine."""
