"""From a wish to what will be run: what was asked for, whether it can be, and the limits of both."""
