"""What a log line leaves out."""

import logging


class WithoutTraceback(logging.Filter):
    """Keeps a record to its line: where what failed came from outside, our own calls say nothing."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let the record through without its exception."""
        record.exc_info = record.exc_text = None
        return True
