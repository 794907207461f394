"""The client of one Dify app's Service API: Dify 1.12 to 1.16, and whatever stands in front of it."""

import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import BinaryIO, Literal

import httpx

from webapp.chat.events import Event
from webapp.chat.message import Reply
from webapp.chat.rating import ListedRating
from webapp.chat.reducer import replay
from webapp.errors import Unreachable, UpstreamError
from webapp.upstream import history, parameters, ratings, records
from webapp.upstream.address import normalise
from webapp.upstream.connection import Answer, Connection, given, segment
from webapp.upstream.health import Health
from webapp.upstream.history import HistoryMessage
from webapp.upstream.limits import TimeLimits
from webapp.upstream.parameters import Info, Parameters, Site, ToolIcon
from webapp.upstream.payload import clean_text, flag, mappings, text, texts
from webapp.upstream.records import Conversation, FileRef, Page, Run, UploadedFile
from webapp.upstream.stream import stream
from webapp.upstream.wire import whole

MAX_ICON = 64 * 1024  # bytes
MAX_TITLE = 255  # characters; Dify answers 500 beyond
PAGE = 100  # rows, the most that Dify gives
MAX_ADDRESS = 4_000  # characters
# Addresses that are fetched without the key, as they come from outside. What is no more than it seems may pass: no
# escape, no empty or dotted segment, nothing that is read one way here and another way when it is sent.
_UUID = '[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}'
_ORIGIN = r'(?:[Hh][Tt][Tt][Pp][Ss]?://[\w.:\[\]-]+)?(?:/[\w~-][\w.~-]*)*?'  # and the sub-path that it calls itself
_QUERY = r'(?:\?[\x21\x24-\x5b\x5d-\x7e]*)?'
FILE = re.compile(
    rf'{_ORIGIN}(/files/(?:tools/{_UUID}(?:\.\w{{1,10}})?|{_UUID}/(?:file|image)-preview){_QUERY})', re.ASCII
)
ICON = re.compile(
    rf'{_ORIGIN}(/console/api/workspaces/current/tool-provider/builtin(?:/[\w-][\w.-]*){{1,3}}/icon{_QUERY})', re.ASCII
)


class DifyClient:
    """One app, known by its key. `user` is the end user's stable id upstream, which keeps people apart there.

    :param base_url: in any form that people type, see `address.normalise`
    :param health: told what calls come to; one who sees an answer from `send` to its end tells it that
    :raises ValueError: the address or the key can't be one; the message never holds the key
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        limits: TimeLimits = TimeLimits(),  # noqa: B008  a frozen value
        transport: httpx.AsyncBaseTransport | None = None,
        health: Health | None = None,
    ) -> None:
        self.base_url = normalise(base_url)
        self._limits = limits
        self.health = health or Health()
        self._dify = Connection(self.base_url, api_key, limits, transport, health=self.health)

    def __repr__(self) -> str:
        return f'DifyClient({self.base_url!r})'

    async def aclose(self) -> None:
        await self._dify.aclose()

    def send(
        self,
        query: str,
        *,
        user: str,
        conversation_id: str = '',
        inputs: Mapping[str, object] | None = None,
        files: Sequence[FileRef] = (),
        auto_generate_name: bool = False,
        workflow_id: str = '',
        expects_speech: bool = False,
    ) -> AsyncGenerator[Event, None]:
        """Send one message and yield the reply as it is written. Closing the generator closes the connection.

        `Finished` comes as soon as the text is complete; usage may be `Reported` in the seconds after it.

        :param conversation_id: upstream id to continue, or '' for a new conversation
        :param inputs: all values of the app's form, with every message
        :param auto_generate_name: the first words of a new conversation come a second later if it is true
        :param expects_speech: the app reads its answers aloud unasked: wait for its voice, which may come last
        :return: events with exactly one of `Finished`, `Stopped`, `Failed`, `Interrupted` or `Paused`
        :raises UpstreamError: refused before the first event
        :raises Unreachable: no connection, no first byte in time, or not Dify's language

        Source: `POST /chat-messages` with `response_mode: streaming`.
        """
        body = _message(
            query=query,
            user=user,
            conversation_id=conversation_id,
            inputs=inputs,
            files=files,
            auto_generate_name=auto_generate_name,
            workflow_id=workflow_id,
        )
        body |= {'response_mode': 'streaming'}
        return stream(self._dify, 'POST', '/chat-messages', expects_speech=expects_speech, json=body)

    async def ask(
        self,
        query: str,
        *,
        user: str,
        conversation_id: str = '',
        inputs: Mapping[str, object] | None = None,
        files: Sequence[FileRef] = (),
        auto_generate_name: bool = False,
        workflow_id: str = '',
    ) -> Reply:
        """Like `send`, but wait for the whole answer. Agents can't do it.

        :raises UpstreamError: refused, or failed

        Source: `POST /chat-messages` with `response_mode: blocking`.
        """
        body = _message(
            query=query,
            user=user,
            conversation_id=conversation_id,
            inputs=inputs,
            files=files,
            auto_generate_name=auto_generate_name,
            workflow_id=workflow_id,
        )
        body['response_mode'] = 'blocking'
        answer = await self._dify.call('POST', '/chat-messages', json=body, wait=self._limits.first_byte)
        if not isinstance(answer.get('answer'), str):
            raise Unreachable('bad_gateway', 'an answer without words in it')
        return replay(whole(self._dify.faults, answer))

    async def stop(self, task_id: str, *, user: str) -> None:
        """Ask to stop an answer; go on reading its stream, which ends by itself. Dify confirms whatever it is asked.

        Source: `POST /chat-messages/{task_id}/stop`.
        """
        await self._dify.call('POST', f'/chat-messages/{segment(task_id)}/stop', json={'user': user})

    def resume(self, run_id: str, *, user: str, catch_up: bool = False) -> AsyncGenerator[Event, None]:
        """Yield what a chatflow's run says from now on: after a form was answered, or a stream was lost.

        Words said in between are not repeated, but the end brings the whole text. Same events and errors as `send`.

        :param catch_up: be told first which steps there were, and what is asked if it waits for a person

        Source: `GET /workflow/{run_id}/events`, Dify 1.14.
        """
        path = f'/workflow/{segment(run_id)}/events'
        params = {'user': user} | ({'include_state_snapshot': 'true'} if catch_up else {})
        return stream(self._dify, 'GET', path, params=params, is_resumed=True)

    async def answer_form(self, token: str, *, action: str, inputs: Mapping[str, object], user: str) -> None:
        """Answer the question that paused a run, then `resume` it.

        :param action: id of the button
        :raises UpstreamError: answered before, expired, or something is missing

        Source: `POST /form/human_input/{token}`, Dify 1.14.
        """
        body = {'action': action, 'inputs': dict(inputs), 'user': user}
        await self._dify.call('POST', f'/form/human_input/{segment(token)}', json=body)

    async def run(self, run_id: str) -> Run:
        """How a chatflow's run stands. :raises UpstreamError: no such run (404), or no chatflow (400)

        Source: `GET /workflows/run/{run_id}`.
        """
        return records.run(await self._dify.call('GET', f'/workflows/run/{segment(run_id)}'))

    async def conversations(self, *, user: str, last_id: str = '', limit: int = PAGE) -> Page[Conversation]:
        """One page of the user's conversations, the latest first.

        Paging loses rows of one second on Dify 1.12, so take big pages. Source: `GET /conversations`.
        """
        params = given({'user': user, 'last_id': last_id, 'limit': limit})
        body = await self._dify.call('GET', '/conversations', params=params)
        rows = (records.conversation(row) for row in mappings(body, 'data', limit))
        by_id = {row.id: row for row in rows if row.id}
        return Page(tuple(by_id.values()), flag(body, 'has_more'))

    async def history(
        self, conversation_id: str, *, user: str, first_id: str = '', limit: int = PAGE
    ) -> Page[HistoryMessage]:
        """The newest messages of a conversation, or those before `first_id`, the oldest one first.

        :param first_id: id of the oldest message that you have

        Source: `GET /messages`.
        """
        params = given({'conversation_id': conversation_id, 'user': user, 'first_id': first_id, 'limit': limit})
        body = await self._dify.call('GET', '/messages', params=params)
        messages = [history.message(row, self._dify.faults) for row in mappings(body, 'data', limit)]
        if messages and messages[0].created_at > messages[-1].created_at:
            messages.reverse()  # the documented order; servers have the other one
        return Page(tuple(sorted(messages, key=lambda message: message.created_at)), flag(body, 'has_more'))

    async def rename(self, conversation_id: str, *, user: str, name: str = '', auto_generate: bool = False) -> str:
        """Give a conversation a name, or have a model make one, and return it. A made one may be blank or the old one.

        Source: `POST /conversations/{id}/name`.
        """
        wanted = {'auto_generate': True} if auto_generate else {'name': clean_text(name)[:MAX_TITLE]}
        path = f'/conversations/{segment(conversation_id)}/name'
        body = await self._dify.call('POST', path, json=wanted | {'user': user}, wait=self._limits.model)
        return records.conversation(body).name

    async def delete(self, conversation_id: str, *, user: str) -> None:
        """Delete a conversation; one that is gone is fine. Older servers ask nobody whose it is: check that before.

        That it is gone is for Dify alone to say: whoever else answers 404, such as a proxy, knows nothing of it.

        Source: `DELETE /conversations/{id}`.
        """
        try:
            await self._dify.call('DELETE', f'/conversations/{segment(conversation_id)}', json={'user': user})
        except UpstreamError as error:
            if error.status != 404 or error.upstream_code != 'not_found':
                raise

    async def info(self) -> Info:
        """Name and mode of the app; the cheapest way to try a key. Source: `GET /info`."""
        return parameters.info(await self._dify.call('GET', '/info'))

    async def parameters(self) -> Parameters:
        """Features, form and limits of the app. Source: `GET /parameters`."""
        return parameters.parameters(await self._dify.call('GET', '/parameters'))

    async def site(self) -> Site:
        """The look that the app's owner chose; an app without a site has none. Source: `GET /site`."""
        try:
            return parameters.site(await self._dify.call('GET', '/site', is_courtesy=True))
        except UpstreamError as error:
            if error.status != 403:
                raise
            return Site()

    async def meta(self) -> dict[str, ToolIcon]:
        """Icons of the app's tools, by tool. Source: `GET /meta`."""
        return parameters.tool_icons(await self._dify.call('GET', '/meta'))

    async def tool_icon(self, icon: ToolIcon) -> bytes:
        """The image of a tool. As with `file`, only the path of its address counts.

        :raises UpstreamError: `not_found` for what is no icon's address
        :raises Unreachable: it is larger than any icon

        Source: `/console/api/workspaces/current/tool-provider/builtin/{provider}/icon`, which needs no key.
        """
        url = self._at_home(ICON, icon.url)
        async with self._dify.open('GET', url, with_key=False, wait=self._limits.call) as answer:
            return await answer.read(MAX_ICON)

    async def upload(self, name: str, content: bytes | BinaryIO, mime_type: str, *, user: str) -> UploadedFile:
        """Hand over a file for a message of the same user. Type and size are checked by extension, and again when used.

        :raises UpstreamError: `file_too_large`, `file_rejected`
        :raises Unreachable: an answer that does not say what the file is called there

        Source: `POST /files/upload`.
        """
        part = (records.file_name(name), content, records.media_type(mime_type))
        body = await self._dify.call(
            'POST', '/files/upload', files={'file': part}, data={'user': user}, wait=self._limits.upload
        )
        uploaded = records.uploaded_file(body)
        if not uploaded.id:
            raise Unreachable('bad_gateway', 'a file that was taken, but has no id')
        return uploaded

    def preview(self, file_id: str, *, as_attachment: bool = False) -> AbstractAsyncContextManager[Answer]:
        """The bytes of an uploaded file that a message has used. Dify does not ask whose it is: check that before.

        Source: `GET /files/{file_id}/preview`.
        """
        params = {'as_attachment': 'true'} if as_attachment else {}
        path = f'/files/{segment(file_id)}/preview'
        return self._dify.download('GET', path, params=params, wait=self._limits.call)

    def file(self, url: str, *, is_courtesy: bool = False) -> AbstractAsyncContextManager[Answer]:
        """The bytes behind a signed address of upstream's, such as `FilePart.url`; it is valid for minutes.

        Only the path counts: what upstream calls itself may be reachable for nobody, and what a model wrote may lead
        anywhere. :raises UpstreamError: `not_found` for what is no file's address

        Source: `/files/{id}/file-preview`, `/files/{id}/image-preview` (older), `/files/tools/{id}[.{extension}]`.
        """
        url = self._at_home(FILE, url)
        return self._dify.download('GET', url, with_key=False, wait=self._limits.call, is_courtesy=is_courtesy)

    def _at_home(self, shape: re.Pattern[str], url: str) -> str:
        """The address where we find what `url` leads to. :raises UpstreamError: it has another shape"""
        found = shape.fullmatch(url) if len(url) <= MAX_ADDRESS else None
        if found is None:
            raise UpstreamError('not_found', "no address of upstream's files or icons", status=404)
        return self.base_url.removesuffix('/v1') + found[1]

    async def feedback(
        self, message_id: str, rating: Literal['like', 'dislike'] | None, *, user: str, content: str = ''
    ) -> None:
        """Rate an answer; None takes the rating back, and it does not matter if there was none.

        Source: `POST /messages/{message_id}/feedbacks`.
        """
        body = {'rating': rating, 'user': user} | given({'content': content})
        try:
            await self._dify.call('POST', f'/messages/{segment(message_id)}/feedbacks', json=body)
        except UpstreamError as error:
            if rating is not None or error.status != 400 or 'feedback not exists' not in error.detail:
                raise

    async def feedbacks(self, page: int = 1, *, limit: int = PAGE) -> Page[ListedRating]:
        """Ratings by all of the app's people, and by admins in Dify's console; those given last come first.

        Dify does not tell whether there are more: there may be, after every page that has any.

        :param page: from 1 on
        :raises UpstreamError: older servers don't have it (404)
        :raises Unreachable: an answer without a list in it

        Source: `GET /app/feedbacks`.
        """
        body = await self._dify.call('GET', '/app/feedbacks', params={'page': page, 'limit': limit})
        if not isinstance(body.get('data'), list):
            raise Unreachable('bad_gateway', 'an answer without a list of ratings in it')
        rows = mappings(body, 'data', limit)
        return Page(tuple(found for row in rows if (found := ratings.listed_rating(row))), bool(body['data']))

    async def suggested(self, message_id: str, *, user: str) -> tuple[str, ...]:
        """Questions that a person might ask next. Source: `GET /messages/{message_id}/suggested`."""
        path = f'/messages/{segment(message_id)}/suggested'
        body = await self._dify.call('GET', path, params={'user': user}, wait=self._limits.model, is_courtesy=True)
        return texts(body, 'data')

    async def audio_to_text(self, name: str, content: bytes | BinaryIO, mime_type: str, *, user: str) -> str:
        """What is said in a recording; MP3, M4A, WAV, AMR or MPGA. Source: `POST /audio-to-text`."""
        part = (records.file_name(name), content, records.media_type(mime_type))
        body = await self._dify.call(
            'POST',
            '/audio-to-text',
            files={'file': part},
            data={'user': user},
            wait=self._limits.model,
            is_courtesy=True,
        )
        return text(body, 'text')

    @asynccontextmanager
    async def text_to_audio(self, words: str, *, user: str, voice: str = '') -> AsyncGenerator[Answer, None]:
        """`words` spoken, usually as MP3; the media type tells. Source: `POST /text-to-audio`."""
        body = given({'text': words, 'voice': voice}) | {'user': user}
        wait = self._limits.model
        async with self._dify.download('POST', '/text-to-audio', json=body, wait=wait, is_courtesy=True) as answer:
            if not answer.media_type.startswith(('audio/', 'application/octet-stream')):
                raise UpstreamError('upstream_error', f'{answer.media_type or "nothing"} in place of sound')
            yield answer


def _message(
    *,
    query: str,
    user: str,
    conversation_id: str,
    inputs: Mapping[str, object] | None,
    files: Sequence[FileRef],
    auto_generate_name: bool,
    workflow_id: str,
) -> dict[str, object]:
    """The body of a message. `inputs` must always be there, whatever the documentation says."""
    body: dict[str, object] = {
        'query': query,
        'inputs': dict(inputs or {}),
        'user': user,
        'auto_generate_name': auto_generate_name,
    }
    if files:
        body['files'] = [file.as_json() for file in files]
    return body | given({'conversation_id': conversation_id, 'workflow_id': workflow_id})
