"""Regressions of kinds that users make, made by hand: which of them does the gate catch?"""
