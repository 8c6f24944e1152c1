from tests.hot import hot, reading

__all__ = ["hot", "reading"]
