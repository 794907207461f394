"""An admin finds out who spends what, goes down to the single answer, and sets a limit."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sqlmodel import Session
from support.camera import Camera
from support.chat import CONNECTED
from support.people import in_store, serving, sign_in
from support.server import Server

from webapp.chat.message import Reply, Status, StepPart, Usage
from webapp.store import usage
from webapp.store.tables import MessageRow

TOML = """
[[apps]]
slug = "support"
name = "Support"
base_url = "{0}"
api_key = "demo"

[[apps]]
slug = "contracts"
name = "Contracts"
base_url = "{0}"
api_key = "demo"
"""
GROUPS = ('Sales', 'Support', 'Research', 'Legal')
DAYS = 60


@pytest.fixture
def server(tmp_path: Path, demo: str) -> Iterator[Server]:
    (tmp_path / 'app').mkdir()
    (tmp_path / 'app' / 'webapp.toml').write_text(TOML.format(demo))
    with serving(tmp_path / 'app', demo, DIFY_BASE_URL='', DIFY_API_KEY='') as server:
        yield server


def two_months(session: Session, people: list[str]) -> None:
    """Answers as there are on working days, a few of them failed."""
    chance = random.Random(3)
    now = datetime.now(UTC).replace(hour=0, minute=0)
    for back in range(DAYS):
        day = now - timedelta(days=back)
        for number in range(chance.randrange(20, 40) if day.weekday() < 5 else chance.randrange(1, 5)):
            person = min(chance.randrange(len(people)), chance.randrange(len(people)))
            asked, said = chance.randrange(300, 6000), chance.randrange(50, 900)
            price = Decimal(asked * 25 + said * 100).scaleb(-7)
            model = chance.choice(['gpt-4o', 'gpt-4o', 'gpt-4o-mini'])
            failed = chance.random() < 0.03
            reported = Usage(asked, said, asked + said, total_price=price, currency='USD')
            usage.record(
                session,
                message=MessageRow(
                    id=f'{back}-{number}', user_id=people[person], conversation_id='c', cost_group=GROUPS[person % 4]
                ),
                app=chance.choice(['support', 'contracts']),
                reply=Reply(
                    Status.FAILED if failed else Status.COMPLETE,
                    (StepPart('s', 'llm', 'LLM', model=model),),
                    usage=None if failed else reported,
                ),
                now=day + timedelta(minutes=number),
                latency_ms=chance.randrange(2000, 14_000),
                first_token_ms=chance.randrange(300, 2500),
            )


def test_from_the_bill_to_a_limit(server: Server, page: Page, camera: Camera) -> None:
    people = [sign_in(server, f'person-{number}', name=f'Person {number}').user_id for number in range(1, 13)]
    in_store(server, two_months, people)
    sign_in(server, 'admin', name='Admin').open_in(page.context)
    page.goto(server.url)
    page.wait_for_function(CONNECTED)
    page.get_by_test_id('user-menu').click()
    page.get_by_role('link', name='Administration').click()
    page.get_by_role('link', name='Usage and cost').first.click()
    page.wait_for_function(CONNECTED)
    expect(page.get_by_test_id('usage-total-cost')).to_contain_text('$')
    camera.still(page, 'usage-light')

    dearest = page.get_by_test_id('usage-row').first
    name = dearest.get_by_role('link').inner_text()
    dearest.get_by_role('link').click()
    page.wait_for_function(CONNECTED)
    page.get_by_test_id('usage-row').filter(has_text='$').first.get_by_role('link').click()
    page.wait_for_function(CONNECTED)
    answer = page.get_by_test_id('usage-row').first
    expect(answer).to_contain_text('gpt-4o')
    answer.get_by_role('link', name=name).click()
    page.get_by_test_id('person-budget').click()
    page.wait_for_function(CONNECTED)
    page.get_by_test_id('budget-limit').fill('1')
    page.get_by_test_id('budget-save').click()
    expect(page.get_by_test_id('budget-row')).to_contain_text(name)
