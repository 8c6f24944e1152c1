from tests.hot import hot, hot_days, reading

__all__ = ["hot", "hot_days", "reading"]
