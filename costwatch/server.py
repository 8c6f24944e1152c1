"""The web server of `up` and `serve`: waitress, which believes a proxy only where one was named."""

import errno
import socket
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.urls import get_resolver
from waitress.server import create_server

from costwatch.garbage import leave_loaded_alone

THREADS = 8


def make_server(port: int) -> Any:
    """A server bound to the configured address; `run` serves, `close` ends it.

    Headers such as X-Forwarded-Proto are cut out of every request unless they come from `COSTWATCH_TRUSTED_PROXY`.
    """
    from costwatch.wsgi import application

    # All pages and what they import: not loaded by the first request, and left alone by the collector.
    _ = get_resolver().url_patterns
    leave_loaded_alone()
    trusted: dict[str, Any] = {}
    if settings.TRUSTED_PROXY:
        trusted = {
            "trusted_proxy": settings.TRUSTED_PROXY,
            "trusted_proxy_count": 1,
            "trusted_proxy_headers": {"x-forwarded-for", "x-forwarded-proto"},
        }
    return create_server(application, host=settings.BIND, port=port, threads=THREADS, ident=None, **trusted)


def check_port(port: int) -> None:
    """Refuse a port that cannot be served on. Raises: CommandError naming one that can."""
    if not 0 < port < 65536:
        raise CommandError(f"{port} is not a port; choose one from 1024 to 65535: PORT=8000")
    family = socket.AF_INET6 if ":" in settings.BIND else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.BIND, port))
            return
        except PermissionError:
            raise CommandError(f"port {port} may not be used by this user; choose one above 1023: PORT=8000") from None
        except socket.gaierror:
            raise CommandError(f"COSTWATCH_BIND is {settings.BIND!r}; write an address such as 127.0.0.1") from None
        except OSError as error:
            if error.errno == errno.EADDRNOTAVAIL:
                said = (
                    f"COSTWATCH_BIND is {settings.BIND}, which is no address of this machine; unset it or use 0.0.0.0"
                )
                raise CommandError(said) from None
    with socket.socket(family) as other:
        other.bind((settings.BIND, 0))
        free = other.getsockname()[1]
    raise CommandError(f"port {port} is in use by another program. Try another one: PORT={free} make run")
