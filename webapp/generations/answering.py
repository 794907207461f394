"""Takes a person's answers to what an app asks in the middle of an answer of its own, which then goes on."""

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from urllib.parse import quote
from weakref import WeakValueDictionary

from webapp.apps import App, Apps
from webapp.belongings import Belongings
from webapp.changes import Changes
from webapp.chat import form as forms
from webapp.chat.events import FormChanged, Paused
from webapp.chat.message import FormPart, Reply, Status
from webapp.chat.reducer import replay
from webapp.clock import now
from webapp.errors import AppError, NotFound, Refused, UpstreamError
from webapp.files import Files, address
from webapp.files.content import PICTURES
from webapp.generations import saving
from webapp.generations.generation import Generation, GoingOn
from webapp.generations.leftovers import Leftovers
from webapp.generations.register import Register
from webapp.principal import Principal
from webapp.store import answers, files as stored
from webapp.store.database import Store
from webapp.store.files import File, Source
from webapp.upstream.records import FileRef


class Answering:
    """:param begin: writes the answer that goes on"""

    def __init__(
        self,
        store: Store,
        apps: Apps,
        changes: Changes,
        register: Register,
        leftovers: Leftovers,
        *,
        files: Files,
        begin: Callable[[Generation], None],
    ) -> None:
        self._store = store
        self._apps = apps
        self._belongings = Belongings(store, apps)
        self._changes = changes
        self._files = files
        self._register = register
        self._leftovers = leftovers
        self._begin = begin
        self._under_way: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()  # by message id

    async def answer(
        self,
        principal: Principal,
        *,
        message_id: str,
        form_id: str,
        action: str,
        values: Mapping[str, object],
        key: str,
    ) -> None:
        """See `Generations.answer`."""
        lock = self._under_way.setdefault(message_id, asyncio.Lock())
        async with lock:
            message = await self._belongings.message(principal, message_id)
            form = next((form for form in message.reply.forms if form.id == form_id), None)
            if form is None:
                raise NotFound
            if key and form.key == key:
                return
            given = _fit(message.reply, form, action, values)
            app = self._apps.get((await self._belongings.conversation(principal, message.conversation_id)).app)
            attached = await self._attached(principal, app, given)
            inputs = {**given.texts, **_inputs(form, given, attached)}
            try:
                begun = await self._store.write(answers.go_on, message_id=message_id, was=Status.WAITING)
            except NotFound:  # another process was quicker
                raise Refused('form_answered') from None
            generation = Generation(
                begun, app, user_id=principal.user_id, dify_user=principal.dify_user, goes_on=GoingOn()
            )
            self._leftovers.forget(message_id)
            try:
                await app.client.answer_form(form.token, action=action, inputs=inputs, user=principal.dify_user)
            except UpstreamError as error:
                await self._wait_again(generation, form, error)
                raise _refusal(error) from error
            except asyncio.CancelledError:
                await self._wait_again(generation, form, None)
                raise
            if self._register.is_closed:  # the next start finds the run going on
                return
            shown = {name: ' '.join(_shown(attached[id_]) for id_ in ids) for name, ids in given.files.items()}
            told = forms.told(form, action, {**given.texts, **shown})
            if attached:
                await self._store.write(stored.keep_sent, ids=list(attached), conversation_id=message.conversation_id)
            generation.feed(FormChanged(replace(form, answer=told, key=key)))
            self._begin(generation)

    async def _attached(self, principal: Principal, app: App, given: forms.Answer) -> dict[str, File]:
        """The files of an answer to a question, by their ids. :raises Refused: `file_gone`, and as `check_links`"""
        found = {}
        for id_ in [id_ for ids in given.files.values() for id_ in ids]:
            try:
                file = await self._belongings.file(principal, id_)
            except NotFound:
                raise Refused('file_gone') from None
            is_theirs = file.link or (file.source is Source.USER and file.is_kept)
            if file.app != app.slug or not is_theirs:
                raise Refused('file_gone')
            found[id_] = file
        await self._files.check_links(found.values())
        return found

    async def _wait_again(self, generation: Generation, form: FormPart, error: UpstreamError | None) -> None:
        """Its question was not answered, or nobody knows: it waits, and we soon look whether it still does."""
        has_expired = error is not None and error.upstream_code == 'human_input_form_expired'
        expired = [FormChanged(replace(form, expired=True))] if has_expired else []
        reply = replay([*expired, Paused()], generation.reply)
        await saving.end(self._store, generation.message.id, reply, unread=False, prices=generation.app.prices)
        self._leftovers.wait(generation.app, generation.left(reply), soon=True)
        self._changes.bump(generation.user_id, generation.conversation.id)


def _fit(reply: Reply, form: FormPart, action: str, values: Mapping[str, object]) -> forms.Answer:
    """What a form is answered with. :raises Refused: it can't be answered, or not so"""
    if form.expired or (form.expires_at and form.expires_at <= now().timestamp()):
        raise Refused('form_expired', status=410)
    if reply.status is not Status.WAITING or not form.is_open:
        raise Refused('form_answered')
    if not form.token:
        raise Refused('form_elsewhere')
    try:
        return forms.answer(form, action, values)
    except forms.UnfitError as error:
        raise Refused('form_unfit', str(error), status=400) from error


def _inputs(form: FormPart, given: forms.Answer, attached: Mapping[str, File]) -> dict[str, object]:
    """Files as upstream wants to be told of them: one by itself, several in a list."""
    refs = {
        name: [FileRef(attached[id_].kind, attached[id_].upstream_id, attached[id_].link).as_json() for id_ in ids]
        for name, ids in given.files.items()
    }
    lists = {field.name for field in forms.fields(form) if field.kind is forms.Kind.FILES}
    return {name: found if name in lists else found[0] for name, found in refs.items()}


def _shown(file: File) -> str:
    """A file in what is told of an answer to a question, as Markdown."""
    name = re.sub(r'[\\\[\]\n`*_<]', ' ', file.name)
    is_picture = file.media_type in PICTURES and not file.link
    target = re.sub(r'[()<>]', lambda sign: quote(sign[0]), file.link) or address(file.id)
    return f'{"!" if is_picture else ""}[{name}]({target})'


def _refusal(error: UpstreamError) -> AppError:
    """Why upstream did not take what was answered."""
    match error.upstream_code:
        case 'human_input_form_submitted':
            return Refused('form_answered', error.detail)
        case 'human_input_form_expired':
            return Refused('form_expired', error.detail, status=410)
    if error.status == 404:
        return Refused('form_gone', error.detail, status=404)
    return Refused('form_unfit', error.detail, status=400) if error.status == 400 else error
