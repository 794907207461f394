"""`webapp demo-upstream`: the demo upstream alone, until it is told to stop."""

import asyncio
import logging
import signal
import sys

from webapp import log, settings
from webapp.commands.terminal import senseless
from webapp.listening import listen
from webapp.settings import SettingsError


def run(host: str, port: int, *, has_form: bool) -> None:
    """:raises CommandFailed: wrong settings
    :raises CannotListen: the port is taken, or the like
    """
    try:
        chosen = settings.load_relay()
    except SettingsError as error:
        raise senseless(error) from error

    from webapp.upstream import demo  # noqa: PLC0415  # a wrong setting should be reported before it has loaded

    relay = demo.Relay(chosen.base_url, chosen.model, chosen.api_key.get_secret_value()) if chosen else None
    who = f'{relay.model} at {relay.host}' if relay else 'its handbook (no OPENAI_BASE_URL and OPENAI_MODEL is set)'
    log.configure(secrets=[relay.api_key] if relay else [])
    logging.getLogger('uvicorn.access').setLevel(logging.INFO)  # whoever runs it wants to see the calls

    async def serve() -> None:
        built = demo.build(relay=relay, form=demo.SAMPLE_FORM if has_form else ())
        async with demo.serve(built, host=host, port=port) as base_url:
            print(f'The demo upstream answers at {base_url}; its key is "demo".', file=sys.stderr)
            print(f'Its answers come from {who}.', file=sys.stderr)
            await _asked_to_stop()

    listen(host, port).close()  # whether it could; the demo has a socket of its own kind
    asyncio.run(serve())


async def _asked_to_stop() -> None:
    stop = asyncio.Event()
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(signal_number, stop.set)
    await stop.wait()
