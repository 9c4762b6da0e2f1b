"""What is known of a gate's errors: kept gates -> bounds, noise and what a gate may promise. It starts nothing."""
