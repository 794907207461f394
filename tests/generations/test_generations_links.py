"""Questions with the address of a file elsewhere: against the demo upstream, with names that lead where a test says."""

import asyncio
import io
from ipaddress import ip_address

import httpx
import pytest
from generations_support import ended, row

from webapp.apps import App, Apps
from webapp.changes import Changes
from webapp.chat.message import Status
from webapp.errors import NotFound, Refused
from webapp.files import Files, Links
from webapp.files.links import Address
from webapp.generations import Generations
from webapp.principal import Principal
from webapp.store import conversations
from webapp.store.database import Store
from webapp.store.files import Source
from webapp.store.messages import Message
from webapp.upstream import demo
from webapp.upstream.client import DifyClient

URL = 'https://files.example.com/chart.png?v=2'


class Web:
    """All names lead to one address, and there is a picture."""

    def __init__(self) -> None:
        self.address = '8.8.8.8'
        self.headers = {'content-type': 'image/png', 'content-length': '4711'}
        self.status = 200

    async def resolve(self, host: str, port: int) -> list[Address]:
        return [ip_address(self.address)]

    def serve(self, request: httpx.Request) -> httpx.Response:
        return httpx.Response(self.status, headers=self.headers)


@pytest.fixture
def web() -> Web:
    return Web()


@pytest.fixture
async def files(store: Store, apps: Apps, changes: Changes, web: Web) -> Files:
    return Files(store, apps, changes, links=Links(web.resolve, httpx.MockTransport(web.serve)))


async def asked(generations: Generations, who: Principal, file_id: str, key: str = 'k1') -> Message:
    message = await generations.start(who, app='demo', conversation_id=None, query='Hm?', key=key, files=[file_id])
    await ended(generations, message)
    return message


async def test_the_assistant_is_told_where_the_file_is(
    generations: Generations, files: Files, store: Store, ann: Principal
) -> None:
    link = await files.link(ann, app='demo', url=f' {URL}#part ')
    kept = await row(store, ann, await asked(generations, ann, link.id))
    assert kept.reply.status is Status.COMPLETE
    assert 'chart.png' in kept.reply.text  # the demo names what it was given
    (file,) = kept.files
    assert (file.source, file.kind, file.name, file.size, file.link) == (Source.LINK, 'image', 'chart.png', 4711, URL)
    assert not file.is_gone


async def test_there_are_no_bytes_of_it_here(files: Files, ann: Principal) -> None:
    link = await files.link(ann, app='demo', url=URL)
    with pytest.raises(NotFound):
        await files.find(ann, link.id)


async def test_nobody_sends_what_somebody_else_has_attached(
    generations: Generations, files: Files, ann: Principal, bob: Principal
) -> None:
    link = await files.link(ann, app='demo', url=URL)
    with pytest.raises(Refused, match='file_gone'):
        await asked(generations, bob, link.id)


async def test_a_name_that_has_come_to_lead_inside_is_not_passed_on(
    generations: Generations, files: Files, store: Store, apps: Apps, ann: Principal, web: Web
) -> None:
    link = await files.link(ann, app='demo', url=URL)
    web.address = '10.0.0.1'
    message = await asked(generations, ann, link.id)
    kept = await row(store, ann, message)
    assert kept.reply.status is Status.FAILED
    assert kept.reply.failure
    assert kept.reply.failure.code == 'link_refused'
    assert not kept.reply.message_id  # upstream was not asked

    web.address = '8.8.8.8'
    again = await generations.retry(ann, message_id=message.id, key='k2')
    await ended(generations, again)
    retried = await row(store, ann, again)
    assert (retried.reply.status, [file.link for file in retried.files]) == (Status.COMPLETE, [URL])


@pytest.mark.parametrize(
    ('headers', 'why'),
    [
        ({'content-type': 'text/html'}, 'file_mismatch'),
        ({'content-type': 'image/png', 'content-length': f'{10**9}'}, 'file_too_large'),
    ],
)
async def test_what_the_app_would_not_take_is_refused(
    files: Files, ann: Principal, web: Web, headers: dict[str, str], why: str
) -> None:
    web.headers = headers
    with pytest.raises(Refused, match=why):
        await files.link(ann, app='demo', url=URL)


async def test_without_leave_nobody_attaches_links(store: Store, apps: Apps, changes: Changes, ann: Principal) -> None:
    files = Files(store, apps, changes)
    assert not files.takes_links
    with pytest.raises(Refused, match='upload_off'):
        await files.link(ann, app='demo', url=URL)


async def test_what_was_attached_is_not_passed_on_once_the_leave_is_taken_back(
    store: Store, apps: Apps, changes: Changes, files: Files, ann: Principal
) -> None:
    link = await files.link(ann, app='demo', url=URL)
    generations = Generations(store, apps, changes, Files(store, apps, changes))
    kept = await row(store, ann, await asked(generations, ann, link.id))
    assert kept.reply.failure
    assert kept.reply.failure.code == 'upload_off'
    await asyncio.wait_for(generations.shutdown(limit=0), 5)


ADDRESSES_ALONE = {
    'label': 'A picture',
    'variable': 'picture',
    'required': True,
    'allowed_file_types': ['image'],
    'allowed_file_extensions': [],
    'allowed_file_upload_methods': ['remote_url'],
}


async def test_a_field_of_the_form_takes_an_address_where_it_takes_nothing_else(
    store: Store, changes: Changes, ann: Principal, web: Web
) -> None:
    async with demo.serve(demo.build(rate=0, form=[{'file': ADDRESSES_ALONE}])) as url:
        apps = Apps([App('demo', DifyClient(url, 'demo'))])
        files = Files(store, apps, changes, links=Links(web.resolve, httpx.MockTransport(web.serve)))
        generations = Generations(store, apps, changes, files)
        with pytest.raises(Refused, match='upload_off'):
            await files.upload(ann, app='demo', name='a.txt', stream=io.BytesIO(b'words'), field='picture')
        with pytest.raises(Refused, match='file_kind'):
            await files.link(ann, app='demo', url='https://files.example.com/a.pdf', field='picture')
        link = await files.link(ann, app='demo', url=URL, field='picture')
        question = {'app': 'demo', 'query': '/inputs', 'inputs': {'picture': {'file_id': link.id}}}
        message = await generations.start(ann, **question, conversation_id=None, key='k1')
        await ended(generations, message)
        kept = await row(store, ann, message)
        assert kept.reply.status is Status.COMPLETE
        assert 'chart.png' in kept.reply.text
        conversation = await store.read(conversations.get, user_id=ann.user_id, conversation_id=message.conversation_id)
        assert conversation.inputs['picture'] == {
            'file_id': link.id, 'name': 'chart.png', 'kind': 'image', 'size': 4711, 'link': URL,
        }  # fmt: skip
        turns = {'app': 'demo', 'query': '/inputs', 'conversation_id': message.conversation_id}
        web.status = 404  # which does not end the conversation
        later = await generations.start(ann, **turns, key='k2')
        await ended(generations, later)
        assert (await row(store, ann, later)).reply.status is Status.COMPLETE
        web.address = '10.0.0.1'  # the name leads inside by now
        later = await generations.start(ann, **turns, key='k3')
        await ended(generations, later)
        failure = (await row(store, ann, later)).reply.failure
        assert failure
        assert failure.code == 'link_refused'
        await generations.shutdown(limit=0)
        await apps.close()
