"""How close the organization and its workspaces run to their rate limits, and what would help."""
