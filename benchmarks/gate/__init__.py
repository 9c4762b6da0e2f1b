"""What the gate's design stands on, measured: `slots` for when sides run."""
