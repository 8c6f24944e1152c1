"""The Admin API: a bounded HTTP client, parsers that return values, and a faithful stand-in."""
