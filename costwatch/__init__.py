"""costwatch: exact, dated and explained spend for organizations that buy Claude through the Claude API."""

__version__ = "0.1.0"
