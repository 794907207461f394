"""Questions of an app with a form: its values are checked, kept with the conversation, and sent with every turn."""

import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from generations_support import ended, row

from webapp.apps import App, Apps
from webapp.changes import Changes
from webapp.chat.message import Status
from webapp.errors import FormUnfit, Refused
from webapp.files import Files
from webapp.generations import Generations
from webapp.principal import Principal
from webapp.store import conversations, messages
from webapp.store.database import Store
from webapp.store.files import File
from webapp.store.messages import Message
from webapp.upstream import demo
from webapp.upstream.client import DifyClient

RECORDINGS = Path(__file__).parents[1] / 'recordings'
PNG = (RECORDINGS / 'tool-file-signed-url.http').read_bytes().partition(b'\r\n\r\n')[2]


@pytest.fixture
async def upstream() -> AsyncIterator[str]:
    async with demo.serve(demo.build(rate=0, form=demo.SAMPLE_FORM)) as url:
        yield url


async def say(
    generations: Generations,
    who: Principal,
    query: str = '/inputs',
    *,
    key: str = 'k1',
    into: str | None = None,
    **given: Any,
) -> Message:
    message = await generations.start(who, app='demo', conversation_id=into, query=query, key=key, inputs=given)
    await ended(generations, message)
    return message


async def uploaded(files: Files, who: Principal, field: str, name: str, data: bytes) -> File:
    return await files.upload(who, app='demo', name=name, stream=io.BytesIO(data), field=field)


async def test_every_turn_sends_all_values(generations: Generations, store: Store, ann: Principal) -> None:
    first = await say(generations, ann, name='Ada', years='36')
    second = await say(generations, ann, key='k2', into=first.conversation_id, name='somebody else')
    for message in (first, second):
        text = (await row(store, ann, message)).reply.text
        for line in (
            '`name`: `"Ada"`',
            '`tone`: `"casual"`',
            '`years`: `36`',
            '`plan`: `"free"`',
            '`background`: `""`',
        ):
            assert line in text
        assert '`settings`: not given' in text
    kept = await store.read(conversations.get, user_id=ann.user_id, conversation_id=first.conversation_id)
    assert kept.inputs == {
        'name': 'Ada', 'tone': 'casual', 'background': '', 'years': 36, 'verbose': False, 'plan': 'free',
    }  # fmt: skip


async def test_what_does_not_fit_is_refused_before_anything_is_kept(
    generations: Generations, store: Store, ann: Principal
) -> None:
    for given, problems in (
        ({}, {'name': 'required'}),
        ({'name': 'Ada', 'tone': 'rude', 'admin': True}, {'tone': 'no_option', 'admin': 'unknown'}),
        ({'name': 'Ada', 'picture': {'file_id': 'f' * 32}}, {'picture': 'file_gone'}),
        ({'name': ['Ada'], 'settings': '[]'}, {'name': 'no_text', 'settings': 'no_object'}),
    ):
        with pytest.raises(FormUnfit) as unfit:
            await say(generations, ann, **given)
        assert unfit.value.problems == problems
    assert await store.read(conversations.page, user_id=ann.user_id, app='demo') == []


async def test_files_of_a_form_go_along_and_stay_their_owners(
    generations: Generations, files: Files, store: Store, ann: Principal, bob: Principal
) -> None:
    photo = await uploaded(files, ann, 'picture', 'photo.png', PNG)
    notes = await uploaded(files, ann, 'documents', 'notes.txt', b'Hello there')
    given = {'name': 'Ada', 'picture': {'file_id': photo.id}, 'documents': [{'file_id': notes.id}]}
    with pytest.raises(FormUnfit, match='file_gone'):
        await say(generations, bob, key='k0', **given)
    first = await say(generations, ann, **given)
    second = await say(generations, ann, key='k2', into=first.conversation_id)
    for message in (first, second):
        kept = await row(store, ann, message)
        assert kept.reply.status is Status.COMPLETE, kept.reply.failure
        assert 'the file `photo.png`' in kept.reply.text
        assert 'the file `notes.txt`' in kept.reply.text
        assert kept.files == ()
    found = await store.read(conversations.get, user_id=ann.user_id, conversation_id=first.conversation_id)
    assert found.inputs['picture'] == {'file_id': photo.id, 'name': 'photo.png', 'kind': 'image', 'size': len(PNG)}
    assert await files.find(ann, photo.id)
    with pytest.raises(Refused, match='file_gone'):  # a file is one conversation's
        await say(generations, ann, key='k3', **given)
    await generations.delete_conversation(ann, first.conversation_id)
    assert not await files.purge()


async def test_a_field_takes_its_own_kinds_of_files(files: Files, ann: Principal) -> None:
    with pytest.raises(Refused, match='file_kind'):
        await uploaded(files, ann, 'picture', 'notes.txt', b'Hello there')
    for field in ('name', 'elsewhere'):
        with pytest.raises(Refused, match='upload_off'):
            await uploaded(files, ann, field, 'photo.png', PNG)


async def test_a_file_of_another_kind_is_refused(generations: Generations, files: Files, ann: Principal) -> None:
    notes = await uploaded(files, ann, 'documents', 'notes.txt', b'Hello there')
    with pytest.raises(FormUnfit) as unfit:
        await say(generations, ann, name='Ada', picture={'file_id': notes.id})
    assert unfit.value.problems == {'picture': 'other_kind'}


async def test_a_question_asked_again_has_the_same_values(
    generations: Generations, store: Store, ann: Principal
) -> None:
    broken = await say(generations, ann, '/error first', name='Ada')
    again = await generations.retry(ann, message_id=broken.id, key='k2')
    await ended(generations, again)
    found = await store.read(conversations.get, user_id=ann.user_id, conversation_id=again.conversation_id)
    assert found.inputs['name'] == 'Ada'
    assert (await row(store, ann, again)).reply.failure is not None
    assert (await row(store, ann, again)).reply.failure.code == 'model_failed'  # Dify did not miss a value


async def test_an_app_that_cannot_be_asked_keeps_the_question(store: Store, ann: Principal) -> None:
    apps, changes = Apps([App('demo', DifyClient('http://127.0.0.1:9', 'key'))]), Changes()
    files = Files(store, apps, changes)
    generations = Generations(store, apps, changes, files)
    message = await say(generations, ann, 'hello')
    kept = await store.read(messages.owned, user_id=ann.user_id, message_id=message.id)
    assert kept.reply.failure is not None
    assert kept.reply.failure.code == 'upstream_unreachable'
    await generations.shutdown(limit=0)
    await files.close()
    await apps.close()
