"""Keeping what was collected: moving it to PostgreSQL, backing it up, putting it back."""
