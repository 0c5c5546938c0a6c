"""Training for 8-bit integer arithmetic, and its export."""
