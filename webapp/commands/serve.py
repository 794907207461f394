"""`webapp serve`: the server, until it is told to stop."""

import logging
import sys

from webapp import log
from webapp.commands.terminal import FAILED, CommandFailed, chosen_settings
from webapp.listening import listen

logger = logging.getLogger(__name__)


def run(host: str | None, port: int | None, log_format: log.Format) -> None:
    """:raises CommandFailed: wrong settings, or a database that can't be used
    :raises CannotListen: the port is taken, or the like
    """
    chosen = chosen_settings(host, port)
    listener = listen(chosen.host, chosen.port)
    if chosen.port == 0:
        chosen = chosen_settings(host, listener.getsockname()[1])
    log.configure(log_format, secrets=chosen.secrets())

    # Only now: a wrong setting should be reported at once, not after all imports.
    from webapp import server  # noqa: PLC0415
    from webapp.app import build  # noqa: PLC0415
    from webapp.commands import database  # noqa: PLC0415
    from webapp.stopping import Stopping  # noqa: PLC0415

    def say_where() -> None:
        if log_format == 'json':
            logger.info('Open %s', chosen.public_url)
        else:
            print(f'Open {chosen.public_url}', file=sys.stderr)

    stopping = Stopping()
    try:
        with database.explained():
            server.run(build(chosen, stopping), listener, stopping, on_ready=say_where)
    except CommandFailed as failed:
        if log_format != 'json':
            raise
        logger.critical(' '.join(failed.lines))
        sys.exit(FAILED)
