"""What the demo's requests share."""

import asyncio
import hashlib
import hmac
import secrets
import time
import uuid
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from starlette.requests import Request

from webapp.upstream.demo import inputs
from webapp.upstream.demo.generation import Generation
from webapp.upstream.demo.model import Model, Relay
from webapp.upstream.demo.records import Form, Records
from webapp.upstream.demo.retrieval import handbook

VERSION = '1.12.1'
IDS = uuid.uuid5(uuid.NAMESPACE_URL, 'urn:demo')
APP_ID = str(uuid.uuid5(IDS, 'app'))
TENANT_ID = str(uuid.uuid5(IDS, 'tenant'))
WORKFLOW_ID = str(uuid.uuid5(IDS, 'workflow'))
SIGNED_SECONDS = 300
OPENING = (
    'Hello! I am the built-in demo, a stand-in for a real Dify. I answer from a small handbook about this product, '
    'and I quote it rather than guess.'
)
SUGGESTED = ['What is this product?', 'How do I connect my own Dify?', 'Which scenario words are there?']
SUGGESTED_OF_MODEL = [
    'Explain how a rainbow comes about.',
    'Write a Python function that merges two sorted lists, with a test.',
    '/handbook What is this product?',
]
OPENING_OF_MODEL = (
    'Hello! Answers here come from `{relay.model}` at `{relay.host}`. A question that begins with `/handbook` is '
    'looked up in the handbook of this product instead.'
)


@dataclass(frozen=True, slots=True)
class Abilities:
    """With sound."""

    speaks: bool = True  # it has no voice: a tone stands for each word
    speaks_unasked: bool = False
    hears: bool = False  # it understands nothing: it tells how long a recording is


NO_MORE = Abilities()  # than anybody has


class Demo:
    def __init__(
        self,
        key: str,
        data: Path | None,
        *,
        mode: str,
        rate: float,
        ping: float,
        title_seconds: float,
        active_limit: int | None,
        form: Sequence[dict[str, dict[str, Any]]],
        relay: Relay | None,
        keeps_costs: bool,
        resumes: bool,
        see_to: Callable[['Demo', Form, float | None, str], Coroutine[Any, Any, None]],
        abilities: Abilities,
        site: Mapping[str, Any],
    ) -> None:
        self.key = key
        self.mode = mode
        self.rate = rate
        self.ping = ping
        self.title_seconds = title_seconds
        self.active_limit = active_limit
        self.form = list(form)
        self.keeps_costs = keeps_costs
        self.resumes = resumes
        self.see_to = see_to  # what becomes of a question to a person
        self.abilities = abilities
        self.site = dict(site)
        self.model = Model(relay) if relay else None
        self.opening_statement = OPENING_OF_MODEL.format(relay=relay) if relay else OPENING
        self.suggested_questions = list(SUGGESTED_OF_MODEL if relay else SUGGESTED)
        if self.form == inputs.SAMPLE:
            self.opening_statement = inputs.SAMPLE_OPENING
            self.suggested_questions = [inputs.SAMPLE_QUESTION, *self.suggested_questions]
        self.app_id = APP_ID
        self.records = Records(data)
        self.handbook = handbook()
        self.running: dict[str, Generation] = {}  # by task id
        self.resumed: dict[str, Generation] = {}  # by run id, until somebody has read to the end
        self._tasks: set[asyncio.Task[Any]] = set()
        self._closed = False
        self._secret = secrets.token_bytes()

    def start(self, generation: Generation) -> None:
        """Count it as running until its last word is written, read or not."""
        task_id = generation.turn.task_id
        if self._closed:
            generation.task.cancel()
        self.running[task_id] = generation
        self._keep(generation.task)
        generation.task.add_done_callback(lambda _: self.running.pop(task_id, None))

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Do `work` in the background."""
        self._keep(asyncio.create_task(work))

    def close(self) -> None:
        """Break off what is running, so that open streams end."""
        self._closed = True
        for task in self._tasks:
            task.cancel()

    async def aclose(self) -> None:
        self.close()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self.model:
            await self.model.aclose()
        self.records.close()

    def sign(self, name: str) -> str:
        """The query part of a signed address, good for five minutes."""
        timestamp, nonce = str(int(time.time())), secrets.token_hex(16)
        return f'timestamp={timestamp}&nonce={nonce}&sign={self._signature(name, timestamp, nonce)}'

    def is_signed(self, name: str, timestamp: str, nonce: str, sign: str) -> bool:
        if not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > 12:
            return False
        fresh = 0 <= time.time() - int(timestamp) <= SIGNED_SECONDS
        return fresh and hmac.compare_digest(sign.encode(), self._signature(name, timestamp, nonce).encode())

    def tool_url(self, file_id: str, extension: str) -> str:
        """The signed address, without host, of a file that the assistant made."""
        return f'/files/tools/{file_id}.{extension}?{self.sign(file_id)}'

    def upload_url(self, file_id: str) -> str:
        return f'/files/{file_id}/file-preview?{self.sign(file_id)}'

    def _signature(self, name: str, timestamp: str, nonce: str) -> str:
        return hmac.new(self._secret, f'{name}|{timestamp}|{nonce}'.encode(), hashlib.sha256).hexdigest()

    def _keep(self, task: asyncio.Task[Any]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def demo_of(request: Request) -> Demo:
    return cast(Demo, request.app.state.demo)


def end_user_id(user: str) -> str:
    """Dify's own id of an end user."""
    return str(uuid.uuid5(IDS, f'user {user}'))


def base_url(request: Request) -> str:
    """What signed addresses begin with: scheme and host as the client wrote them."""
    return str(request.base_url).rstrip('/')
