"""The Limits pages: who hurts next, a line in detail, a minute, what would help."""
