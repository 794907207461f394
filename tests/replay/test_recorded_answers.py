"""Every answer of a real Dify that was recorded: asked for on the page, shown to its end, and again after a reload."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

import pytest
from expectations import WORDS, asked, expected, kept_back, suggested
from playwright.sync_api import Browser
from recorded_dify import KEY, RecordedDify
from recorded_exchanges import Json, Recording, answers_in_one_piece, recording, streams
from stage_of_recordings import Stage
from support.chat import say
from support.people import SECRET
from support.server import Server
from support.serving import serving
from told import TOLD

MOST = 20  # turns
BROKEN = {'knowledge-chat-stream': 4, 'agent-stream-one-tool-continue': 9}  # after how many pieces
SECONDS = 20
SETTINGS = '[limits]\nmessages_per_minute = 0\nmessages_per_hour = 0\n'


def conversations() -> list[list[Recording]]:
    """What was recorded of each of Dify's conversations, in order; those of an app stand together."""
    found: dict[str, list[Recording]] = defaultdict(list)
    for played in map(recording, [*streams(), *answers_in_one_piece()]):
        if played.conversation_id:
            found[played.conversation_id].append(played)
    groups = [sorted(group, key=lambda played: played.created_at) for group in found.values()]
    return sorted(groups, key=lambda group: group[0].app)


def refusals() -> list[list[Recording]]:
    """What was said before any stream, the same words once; no more of them together than a page has at first."""
    refused = [played for name in answers_in_one_piece() if not (played := recording(name)).conversation_id]
    told = [*{(played.status, played.body): played for played in refused}.values()]
    return [told[:MOST], told[MOST:]]


@pytest.fixture(scope='module')
def dify() -> RecordedDify:
    return RecordedDify()


@pytest.fixture(scope='module')
def server(tmp_path_factory: pytest.TempPathFactory, dify: RecordedDify) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp('app'), {'WEBAPP_GUESTS': 'true', 'WEBAPP_SECRET': SECRET})
    with serving(dify.app) as url:
        apps = [
            f'[[apps]]\nslug = "{app}"\nbase_url = "{url}"\napi_key = "{KEY}{app}"\nguests = true\n'
            for app in sorted({group[0].app for group in conversations()})
        ]
        (server.folder / 'webapp.toml').write_text('\n'.join([*apps, SETTINGS]))
        server.start()
        yield server
        server.stop()
        assert 'Traceback' not in server.log, server.log


@pytest.fixture(scope='module')
def stage(browser: Browser, server: Server) -> Iterator[Stage]:
    with browser.new_context(locale='en-US', reduced_motion='reduce') as context:
        yield Stage(context.new_page(), server)


def test_of_every_recorded_answer_it_is_said_what_is_to_be_seen() -> None:
    assert {*TOLD} == {*streams(), *answers_in_one_piece()}


@pytest.mark.parametrize('group', conversations(), ids=lambda group: '+'.join(played.name for played in group))
def test_a_recorded_conversation(stage: Stage, dify: RecordedDify, group: list[Recording]) -> None:
    stage.begin(group[0].app)
    filled = stage.fill_in(group[0].question.get('inputs', {}))
    see(stage, dify, group)
    assert {variable: str(dify.asked['inputs'][variable]) for variable in filled} == filled


@pytest.mark.parametrize('group', refusals(), ids=['some', 'others'])
def test_refusals_are_told_in_our_words(stage: Stage, dify: RecordedDify, group: list[Recording]) -> None:
    stage.begin('plain')
    see(stage, dify, group)


@pytest.mark.parametrize('name', BROKEN)
def test_the_rest_of_a_broken_answer_comes_from_history(stage: Stage, dify: RecordedDify, name: str) -> None:
    """Where the server has kept it: this one keeps what its stream had come to its end."""
    played = recording(name)
    stage.begin(played.app)
    dify.play(name, breaks_at=BROKEN[name])
    say(stage.page, asked(played))
    told = replace(TOLD[name], notes=(WORDS['thread.repaired'],), usage=WORDS['usage.unknown'])
    shown = {'turns': [expected(played, told, attached=[])], 'next': []}
    assert stage.shows(shown) == shown
    drawn = stage.drawn()
    stage.load_again()
    assert stage.shows(shown) == shown
    assert stage.drawn() == drawn


def see(stage: Stage, dify: RecordedDify, group: list[Recording]) -> None:
    """Ask for all of it, load it again, and look each time."""
    turns: list[Json] = []
    upstream_id = ''
    for played in group:
        told = TOLD[played.name]
        dify.play(played.name, waits=told.is_stopped)
        turn = expected(played, told, attached=stage.attach(played))
        say(stage.page, asked(played))
        if told.is_stopped:
            stage.stop_at(turn['text'])
        turns.append(turn)
        shown = {'turns': turns, 'next': suggested(played, told, turn['status'])}

        assert dify.over.wait(SECONDS)
        live = stage.shows(shown)

        assert live == shown
        assert (dify.asked['query'], dify.asked.get('conversation_id', '')) == (turn['question'], upstream_id)
        upstream_id = played.conversation_id
    drawn = stage.drawn()
    stage.load_again()
    assert stage.shows(live) == live
    assert stage.drawn() == drawn
    wire = '\n'.join(stage.heard)
    assert not [secret for played in group for secret in kept_back(played, turns) if secret in wire]
    assert not stage.problems
