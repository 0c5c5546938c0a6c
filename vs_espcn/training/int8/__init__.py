"""Train networks for 8-bit integers, and export them."""
