"""The socket on which the server listens, or a plain word on why there is none."""

import errno
import socket

BACKLOG = 2048
NO_ADDRESS = (
    '{host!r} is no address of this computer. WEBAPP_HOST or --host must be 127.0.0.1 for this computer alone, '
    '0.0.0.0 for every network, or an address that this computer has.'
)


class CannotListen(Exception):
    """The message says what to do."""

    def __init__(self, message: str, *, is_taken: bool = False) -> None:
        self.is_taken = is_taken  # somebody listens there already
        super().__init__(message)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. :raises CannotListen: we don't get it"""
    family = socket.AF_INET6 if ':' in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except (OSError, TypeError) as error:
        is_taken = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
        raise CannotListen(_why_not(error, host, port), is_taken=is_taken) from error


def _why_not(error: OSError | TypeError, host: str, port: int) -> str:
    match error:
        case OSError(errno=errno.EADDRINUSE):
            return (
                f'Port {port} is taken: another program, maybe another one of us, listens there. '
                'Stop it, or choose another port with WEBAPP_PORT or --port.'
            )
        case OSError(errno=errno.EACCES):
            return f'Port {port} needs special rights. Choose one above 1023 with WEBAPP_PORT or --port.'
        case TypeError() | OSError(errno=errno.EADDRNOTAVAIL | errno.EINVAL):
            return NO_ADDRESS.format(host=host)
        case OSError(errno=int(number)) if number < 0:  # of the resolver
            return NO_ADDRESS.format(host=host)
        case _:
            return f'We cannot listen on {host}, port {port}: {error}.'
