"""Questions as functions: the only place that reads the ledger for people."""
