"""What a calibration says of a gate."""
