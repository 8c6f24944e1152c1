#!/usr/bin/env python
"""Django's command line for costwatch."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "costwatch.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line
    from django.db import Error

    from costwatch.database_failure import told

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"costwatch is not configured rightly: {error}")
    except Error as error:
        if (said := told(error)) is None:
            raise
        sys.exit(said)


if __name__ == "__main__":
    main()
