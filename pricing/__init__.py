"""Exact, dated list prices of the Claude API, and what usage costs at them. Standard library only."""
