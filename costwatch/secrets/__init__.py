"""Credentials: which there are, where each is read from, how they are kept at rest, and what is known of them.

By default they come from files or the environment and are in no database. With `COSTWATCH_CREDENTIALS=database` they
are encrypted in it, each bound to its row, organization, field and origin; the master key stays in a file.
"""
