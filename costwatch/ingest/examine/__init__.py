"""Examining an installation: what is configured, reachable, permitted, late or wrong, and what to do about each."""
