"""Facts (counts the API said), charges (day facts times prices) and rollups. The only writer of all three."""
