"""What is wrong with a pool: recorded evidence -> findings with the catalogue's names. Pure.

One rule a file under `reports.diagnosis.rules`; `docs/catalogue/` has a page for each.
"""
