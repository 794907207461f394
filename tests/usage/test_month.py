"""A month of two hundred people, asked of the demo over HTTP: whoever adds it up gets the same to the last digit."""

import asyncio
import csv
import io
import random
import re
from collections.abc import Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from support import direct
from support.command import run
from support.people import ISSUER, SECRET, WITH_LOGIN, SignedIn, serving, sign_in
from support.sheet import sheet

from webapp.apps import App, Apps
from webapp.changes import Changes
from webapp.files import Files
from webapp.generations import Generation, Generations, saving, service
from webapp.principal import Identity, Principal, Role
from webapp.store import engines, users
from webapp.store.database import Store
from webapp.upstream import demo
from webapp.upstream.client import DifyClient

PEOPLE = 200
DAYS = 30
A_DAY = 8  # questions
AT_ONCE = 16
TODAY = datetime.now(UTC).date()
MONTH = f'range=custom&from={TODAY - timedelta(days=DAYS - 1)}&to={TODAY}'
TOKEN = 'a-token-for-programs-of-32-bytes-or-more'
ENDLESS = '/rate 40 /long 4000'  # goes on until somebody stops it
FAILING = ('/rate 0 /error first', '/error quota')  # is asked again
QUERIES = (
    *['/rate 0 /echo what people ask most of the time, and again'] * 6,
    *('/rate 0 /long 80', '/rate 0 /steps how long does it take?', '/rate 0 /agent what time is it?', ENDLESS),
    *('/rate 0 /usage0 for nothing', '/rate 0 /error stream', '/rate 0 /cut 5', '/rate 0 /noend steps', *FAILING),
)
SUM = tuple[int, int, Decimal]  # answers, tokens, price
COLUMNS = {'user': 'user_id', 'group': 'cost_group', 'app': 'app', 'day': 'day', 'outcome': 'outcome'}


@dataclass
class Month:
    """What was asked, and what upstream said it cost."""

    url: str  # of the database
    asked: list[Generation] = field(default_factory=list)

    @property
    def told(self) -> SUM:
        """As it came over the wire."""
        told = [each.reply.usage for each in self.asked if each.reply.usage]
        tokens, prices = (each.total_tokens or 0 for each in told), (each.total_price or Decimal(0) for each in told)
        return len(self.asked), sum(tokens), sum(prices, Decimal(0))

    def ledger(self, by: str = '') -> dict[tuple[str, ...], SUM]:
        """The sums of each group and currency in plain SQL."""
        key = f'{COLUMNS[by]}, ' if by else ''
        nano = (f'coalesce(sum(total_nano {sign} 1000000000), 0)' for sign in ('/', '%'))
        sums = f'count(*), coalesce(sum(total_tokens), 0), {", ".join(nano)}'
        engine = create_engine(engines.parse(self.url))
        with engine.connect() as connection:
            found = connection.execute(text(f'SELECT {key} currency, {sums} FROM usage GROUP BY {key} currency')).all()
        engine.dispose()
        return {
            tuple(map(str, key)): (answers, int(tokens), Decimal(int(units)) + Decimal(int(nano)).scaleb(-9))
            for *key, answers, tokens, units, nano in found
        }


@dataclass
class Play:
    """Lets people ask, on one day after the other."""

    month: Month
    generations: Generations
    chance: random.Random = field(default_factory=lambda: random.Random(5))
    turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    async def day(self, people: list[Principal]) -> None:
        pairs = [(self.chance.choice(people), self.chance.choice(QUERIES)) for _ in range(A_DAY)]
        await asyncio.gather(*(self._ask(who, query) for who, query in pairs))

    async def _ask(self, who: Principal, query: str) -> None:
        async with self.turns:
            draft = {'app': 'default', 'conversation_id': None, 'query': query, 'key': f'{self.chance.random()}'}
            message = await self.generations.start(who, **draft)
            generation = self._asked(message.id)
            assert (await self.generations.start(who, **draft)).id == message.id  # sent twice, asked once
            await self._end(who, generation)
            if query in FAILING:
                message = await self.generations.retry(who, message_id=message.id, key=f'{self.chance.random()}')
                await self._end(who, self._asked(message.id))

    def _asked(self, message_id: str) -> Generation:
        generation = self.generations.of(message_id)
        assert generation
        self.month.asked.append(generation)
        return generation

    async def _end(self, who: Principal, generation: Generation) -> None:
        async with aclosing(generation.watch()) as watched:
            async for progress in watched:
                if generation.message.query == ENDLESS and progress.reply.text and not generation.has_ended:
                    await self.generations.stop(who, generation.message.id)
                    break
        while not generation.has_ended:
            await self.generations.ended.after(self.generations.ended.value)


async def play(url: str, moves: Callable[[datetime], None]) -> Month:
    """:param moves: told what time it is"""
    month, store, changes = Month(url), Store(url), Changes()
    async with demo.serve(demo.build()) as upstream:
        apps = Apps([App('default', DifyClient(upstream, 'demo'))])
        files = Files(store, apps, changes)
        generations = Generations(store, apps, changes, files)
        people = [await _person(store, number) for number in range(PEOPLE)]
        playing = Play(month, generations)
        for day in reversed(range(DAYS)):
            moves(datetime.combine(TODAY - timedelta(days=day), time(0, 1), UTC))
            await playing.day(people)
        await generations.shutdown(limit=10)
        await files.close()
        await apps.close()
        await store.close()
    return month


async def _person(store: Store, number: int) -> Principal:
    groups = frozenset({('sales', 'büro', '=1+1')[number % 3]} if number % 4 else ())
    identity = Identity(ISSUER, f'person-{number}', 'oidc', name=f'Person {number}', groups=groups)
    now = datetime.now(UTC)
    user = (await store.write(users.sign_in, identity=identity, role=Role.USER, secret=SECRET, now=now)).user
    return Principal(user.id, '', Role.USER, user.dify_user, identity.name, groups)


@pytest.fixture
def month(database: str, monkeypatch: pytest.MonkeyPatch) -> Month:
    def moves(now: datetime) -> None:
        for module in (service, saving):
            monkeypatch.setattr(module, 'now', lambda: now)

    return asyncio.run(play(database, moves))


@pytest.fixture
def admin(month: Month, tmp_path: Path, demo: str) -> Iterator[SignedIn]:
    """Somebody who looks at it, with the app on that database."""
    (tmp_path / 'app').mkdir()
    (tmp_path / 'app' / 'webapp.toml').write_text('[limits]\nexports_per_minute = 0')
    with serving(tmp_path / 'app', demo, DATABASE_URL=month.url, WEBAPP_USAGE_TOKEN=TOKEN) as server:
        yield sign_in(server, 'admin')


def test_everybody_adds_up_to_the_same(month: Month, admin: SignedIn) -> None:
    ledger = month.ledger()
    answers, tokens, price = (sum(part) for part in zip(*ledger.values(), strict=True))
    assert month.told == (answers, tokens, price)
    assert set(ledger) == {('',), ('USD',)}
    assert answers > DAYS * A_DAY
    with admin.client() as http:
        assert shown(sheet(http.get(f'/admin/usage?by=app&{MONTH}').text)) == (answers, tokens, price)
        for by in COLUMNS:
            file = list(csv.DictReader(io.StringIO(http.get(f'/admin/usage.csv?by={by}&{MONTH}').text)))
            told = direct.get(
                f'{admin.server.url}/admin/usage.json?by={by}&{MONTH}', headers={'Authorization': f'Bearer {TOKEN}'}
            ).json()
            assert summed(file, by) == summed(told, by) == month.ledger(by), by
        each = list(csv.DictReader(io.StringIO(http.get(f'/admin/usage.csv?by=answer&{MONTH}').text)))
        assert len({row['message'] for row in each}) == len(each) == answers
    asked = ('usage', '--by', 'user', '--from', str(TODAY - timedelta(days=DAYS - 1)))
    command = run(admin.server.folder, *asked, **WITH_LOGIN, DATABASE_URL=month.url)
    assert summed(list(csv.DictReader(io.StringIO(command.answered))), 'user') == month.ledger('user')


def summed(rows: list[dict[str, str]], by: str) -> dict[tuple[str, ...], SUM]:
    return {
        (row[by].removeprefix("'"), row['currency']): (
            int(row['answers']),
            int(row['total_tokens']),
            Decimal(row['total_price']),
        )
        for row in rows
    }


def shown(page: str) -> SUM:
    """The figures at the top of the page."""
    answers, tokens, cost = (
        re.search(rf'data-testid="usage-total-{name}"><data data-as="\w+" value="([\d.]+)"', page)
        for name in ('answers', 'tokens', 'cost')
    )
    assert answers, page
    assert tokens, page
    assert cost, page
    return int(answers[1]), int(tokens[1]), Decimal(cost[1])
