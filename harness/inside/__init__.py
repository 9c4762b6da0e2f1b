"""Looking inside an app: `on-path` holds the probe that goes on its path, the rest reads what that tells."""
