"""What charts look like. Needs Altair, so only tests import it, to hold the generated `.json` files against it."""
