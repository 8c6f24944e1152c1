"""The REST API: the insights as JSON under /api/v1/, by session sign-in."""
