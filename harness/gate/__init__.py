"""`poolstorm gate`: base and head side by side, pair after pair. Runs and writes down; `reports.gate` judges."""
