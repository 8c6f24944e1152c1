"""What to fetch and how far we are. The database is the source of work; messages are only a doorbell."""
