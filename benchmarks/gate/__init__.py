"""What the gate's design stands on: `slots` measures when sides should run, `simulate` how often the test errs."""
