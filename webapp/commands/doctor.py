"""`webapp doctor`: what is well and what is not; the exit status is 1 if anything is wrong."""

import asyncio
import logging
import os
import sys
from typing import Literal

from webapp import doctor, log
from webapp.commands.terminal import FAILED, any_text


def run(host: str | None, port: int | None, form: Literal['text', 'json']) -> None:
    log.configure(level=logging.ERROR)
    any_text()

    async def examine() -> None:
        report = await doctor.examine(host, port)
        print(report.as_json() if form == 'json' else report.as_text(color=_takes_color()), flush=True)
        os._exit(FAILED if report.is_wrong else 0)  # a name server that does not answer would hold threads, and us

    asyncio.run(examine())


def _takes_color() -> bool:
    return sys.stdout.isatty() and 'NO_COLOR' not in os.environ and os.environ.get('TERM') != 'dumb'
