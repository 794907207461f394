"""What the demo is really sent when somebody asks again, asks something else instead, or goes on from an earlier turn.

The demo remembers its conversations as Dify does: what is asked here is what stands in its history.
"""

import asyncio
import io
from collections.abc import Awaitable

import httpx
import pytest
from generations_support import ask, ended, row, text_begins

from webapp.errors import NotFound, Refused
from webapp.files import Files
from webapp.generations import Generations
from webapp.principal import Principal
from webapp.store import messages
from webapp.store.database import Store
from webapp.store.messages import Message
from webapp.upstream import transcript


class Talk:
    """A conversation of ann's, and what the demo has of it."""

    def __init__(self, generations: Generations, store: Store, ann: Principal, upstream: str) -> None:
        self._generations = generations
        self._store = store
        self._ann = ann
        self._upstream = upstream
        self._id: str | None = None
        self._count = 0

    async def ask(self, query: str) -> Message:
        return await self._end(ask(self._generations, self._ann, query, conversation_id=self._id, key=self._key()))

    async def instead(self, message: Message, query: str | None = None) -> Message:
        again = self._generations.retry(self._ann, message_id=message.id, key=self._key(), query=query)
        return await self._end(again)

    async def choose(self, message: Message) -> None:
        await self._generations.choose(self._ann, message_id=message.id)

    async def there(self) -> list[list[str]]:
        """Questions in each of the demo's conversations, the oldest conversation first."""
        headers, whose = {'Authorization': 'Bearer demo'}, {'user': self._ann.dify_user}
        async with httpx.AsyncClient(base_url=self._upstream, headers=headers) as http:
            order = {'sort_by': 'created_at', 'limit': 100}
            listed = (await http.get('conversations', params=whose | order)).json()['data']
            found = []
            for each in listed:
                answer = await http.get('messages', params=whose | {'conversation_id': each['id'], 'limit': 100})
                found.append([message['query'] for message in answer.json()['data']])
            return found

    async def _end(self, begun: Awaitable[Message]) -> Message:
        message = await begun
        self._id = message.conversation_id
        await ended(self._generations, message)
        return await row(self._store, self._ann, message)

    def _key(self) -> str:
        self._count += 1
        return f'key-{self._count}'


@pytest.fixture
def talk(generations: Generations, store: Store, ann: Principal, upstream: str) -> Talk:
    return Talk(generations, store, ann, upstream)


async def test_asked_again_an_answer_is_given_without_memory_of_the_first(talk: Talk) -> None:
    await talk.ask('/echo one')
    second = await talk.ask('/echo two')
    again = await talk.instead(second)
    assert (again.query, again.reply.text) == ('/echo two', 'two'), 'what is shown and kept is the question'
    assert again.upstream_id != second.upstream_id
    [first, told] = await talk.there()
    assert first == ['/echo one', '/echo two']
    assert told == [
        f'{transcript.BEGIN}\n\nUser: /echo one\n\nAssistant: one\n\n{transcript.END}\n\n/echo two',
    ]


async def test_the_first_question_asked_again_needs_no_transcript(talk: Talk) -> None:
    first = await talk.ask('/echo one')
    await talk.instead(first, '/echo another')
    assert await talk.there() == [['/echo one'], ['/echo another']]


async def test_what_follows_a_version_goes_on_where_it_is_remembered(talk: Talk) -> None:
    first = await talk.ask('/echo one')
    second = await talk.ask('/echo two')
    edited = await talk.instead(second, '/echo 2')
    third = await talk.ask('/echo three')
    assert third.upstream_id == edited.upstream_id
    await talk.choose(second)
    old = await talk.ask('/echo old')
    assert old.upstream_id == first.upstream_id
    conversations = await talk.there()
    assert conversations[0] == ['/echo one', '/echo two', '/echo old']
    assert [transcript.question(query) for query in conversations[1]] == ['/echo 2', '/echo three']


async def test_an_earlier_question_edited_tells_what_stood_before_it_alone(talk: Talk) -> None:
    await talk.ask('/echo one')
    second = await talk.ask('/echo two')
    await talk.ask('/echo three')
    await talk.instead(second, '/echo 2')
    [_, [query]] = await talk.there()
    assert 'one' in query
    assert 'two' not in query
    assert 'three' not in query


async def test_a_stopped_answer_is_in_the_memory_there_and_so_it_is_asked_again_elsewhere(
    talk: Talk, generations: Generations, store: Store, ann: Principal
) -> None:
    first = await talk.ask('/echo one')
    message = await ask(generations, ann, '/rate 50 /long 5000', conversation_id=first.conversation_id, key='long')
    generation = generations.of(message.id)
    assert generation
    await text_begins(generation)
    await generations.stop(ann, message.id)
    await ended(generations, message)
    edited = await talk.instead(await row(store, ann, message), '/echo short')
    assert edited.upstream_id not in {'', first.upstream_id}
    going_on = await talk.ask('/echo on')
    assert going_on.upstream_id == edited.upstream_id


async def test_a_refused_question_was_never_there_and_is_asked_again_in_its_place(talk: Talk) -> None:
    await talk.ask('/echo one')
    refused = await talk.ask('/error busy')
    assert refused.upstream_id == ''
    await talk.instead(refused, '/echo two')
    assert await talk.there() == [['/echo one', '/echo two']]


async def test_a_question_that_failed_there_is_asked_again_elsewhere(talk: Talk) -> None:
    await talk.ask('/echo one')
    failed = await talk.ask('/error first')
    again = await talk.instead(failed, '/echo two')
    assert again.versions == (failed.id, again.id)
    [first, [told]] = await talk.there()
    assert first == ['/echo one', '/error first']
    assert '/error first' not in told


async def test_files_of_a_question_go_along_with_its_versions(
    talk: Talk, generations: Generations, store: Store, ann: Principal, files: Files
) -> None:
    file = await files.upload(ann, app='demo', name='notes.txt', stream=io.BytesIO(b'Hello there'))
    question = {'app': 'demo', 'conversation_id': None, 'query': 'What is this?', 'key': 'with a file'}
    message = await generations.start(ann, **question, files=[file.id])
    await ended(generations, message)
    edited = await talk.instead(message, 'What is in it?')
    assert [each.id for each in edited.files] == [file.id]
    assert 'notes.txt' in edited.reply.text
    unworded = await talk.instead(edited, '')
    assert (unworded.query, unworded.files) == ('', edited.files)


async def test_the_same_key_asks_once_and_versions_are_bound_to_the_same_rules(
    generations: Generations, ann: Principal, bob: Principal
) -> None:
    message = await ask(generations, ann, '/echo one')
    await ended(generations, message)
    edits = [generations.retry(ann, message_id=message.id, key='edit', query='/echo two') for _ in range(5)]
    assert len({each.id for each in await asyncio.gather(*edits)}) == 1
    for query, code in (('', 'empty_query'), (' ', 'empty_query'), ('x' * 2_000_001, 'too_long')):
        with pytest.raises(Refused, match=code):
            await generations.retry(ann, message_id=message.id, key='another', query=query)
    with pytest.raises(NotFound):
        await generations.retry(bob, message_id=message.id, key='bob', query='mine')
    with pytest.raises(NotFound):
        await generations.choose(bob, message_id=message.id)


async def test_nothing_is_asked_again_nor_chosen_while_an_answer_is_written(
    generations: Generations, store: Store, ann: Principal, talk: Talk
) -> None:
    first = await talk.ask('/echo one')
    second = await talk.instead(first)
    await ask(generations, ann, '/slow 30 hello', conversation_id=first.conversation_id, key='slow')
    with pytest.raises(Refused, match='already_running'):
        await generations.retry(ann, message_id=second.id, key='again')
    with pytest.raises(Refused, match='already_running'):
        await generations.choose(ann, message_id=first.id)
    shown = await store.read(messages.history, user_id=ann.user_id, conversation_id=first.conversation_id)
    assert shown[0].id == second.id


def turns(*sizes: int) -> list[transcript.Turn]:
    return [transcript.Turn(f'question {number}', 'x' * size) for number, size in enumerate(sizes)]


def test_a_transcript_is_bounded_and_keeps_the_newest_turns() -> None:
    told = transcript.before('now', turns(10_000, 10_000, 10_000))
    assert len(told) < transcript.MOST_CHARACTERS + 500
    assert 'question 0' not in told
    assert told.index(transcript.CUT) < told.index('question 1') < told.index('question 2') < told.index('now')
    told = transcript.before('now', turns(10, 1_000_000))
    assert len(told) < transcript.MOST_CHARACTERS + 500
    assert 'question 1' in told


def test_files_of_earlier_turns_are_named() -> None:
    told = transcript.before('now', [transcript.Turn('look', 'nice', ['a.png', 'b.png'])])
    assert 'User: look\n[Files: a.png, b.png]\n\nAssistant: nice' in told


@pytest.mark.parametrize('query', ['', 'plain', f'{transcript.END}\n\nplain', transcript.BEGIN])
def test_the_question_is_found_behind_a_transcript(query: str) -> None:
    assert transcript.question(query) == query
    assert transcript.question(transcript.before(query, turns(5))).endswith(query.rpartition('\n\n')[2])
