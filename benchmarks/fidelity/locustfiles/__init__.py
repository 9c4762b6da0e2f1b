"""Files as somebody else would write them."""
