"""The chat in a page of another site, in browsers that keep cookies of frames, keep them apart, or keep none at all."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from anyio.from_thread import start_blocking_portal
from playwright.sync_api import BrowserContext, FrameLocator, Locator, Page, Playwright, Route, expect
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from support import chromium
from support.embedding import HOST_SECRET, embedded, key, table, token
from support.hosts import Host, hosting
from support.server import Server

K1 = key('k1', HOST_SECRET)
HERE: dict[str, Any] = {'viewport': {'width': 1280, 'height': 800}, 'locale': 'en-US', 'timezone_id': 'UTC'}
Watched = Callable[[BrowserContext], AbstractContextManager[None]]
FORM: list[dict[str, Any]] = [
    {'text-input': {'label': 'Customer', 'variable': 'customer', 'required': False, 'max_length': 20}},
    {'select': {'label': 'Tone', 'variable': 'tone', 'required': False, 'options': ['formal', 'casual']}},
]
PNG = bytes.fromhex(
    '89504e470d0a1a0a0000000d4948445200000001000000010806000000'
    '1f15c4890000000d49444154789c6364f8cf500f0003860180165ae3da0000000049454e44ae426082'
)
# What a profile says of cookies in frames of other sites; and what such a frame sees then, asked for a second time.
COOKIES: dict[str, tuple[Mapping[str, Any], str]] = {
    'kept': ({'cookie_controls_mode': 0}, 'plain=1; partitioned=1 storage'),
    'apart': ({'cookie_controls_mode': 1, 'block_third_party_cookies': True}, 'partitioned=1 no storage'),
    'refused': (
        {'content_settings': {'exceptions': {'cookies': {'http://127.0.0.1,*': {'setting': 2}}}}},
        'none no storage',
    ),
}
PROBE = """<p id="seen"></p><script>
let storage = 'storage';
try { localStorage.length } catch { storage = 'no storage' }
document.getElementById('seen').textContent = `%COOKIES% ${storage}`;
</script>"""
# As an integrator writes it who has not our script.
SCRIPT = """<script>
const chat = '%s', got = [];
const frame = (id) => document.getElementById(id);
const tell = (id, name, values) =>
  frame(id).contentWindow.postMessage({ type: 'chat:' + name, version: 1, ...values }, chat);
addEventListener('message', async ({ data, origin, source }) => {
  const { id } = [...document.querySelectorAll('iframe')].find((each) => each.contentWindow === source);
  got.push({ ...data, frame: id, origin });
  if (data.type !== 'chat:ready' || data.stage !== 'entry') return;
  const token = await (await fetch('/token/' + id)).text();
  tell(id, 'identify', token === 'unknown' ? { token: null, unknown: true } : { token: token || null });
});
</script>"""


class Inputs:
    """Middleware in front of the demo: what was filled in of the form with each question."""

    def __init__(self, app: ASGIApp, seen: list[dict[str, Any]]) -> None:
        self._app = app
        self._seen = seen

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def hear() -> Message:
            message = await receive()
            if scope['path'].endswith('/chat-messages') and message.get('body'):
                self._seen.append(json.loads(message['body'])['inputs'])
            return message

        await self._app(scope, hear if scope['type'] == 'http' else receive, send)


@dataclass
class Site:
    """Of somebody else, who shows the chat, and says who is there."""

    host: Host
    server: Server
    who: dict[str, str] = field(default_factory=dict)  # by frame; nobody, if none is named
    say: Callable[[str], str] | None = None  # a token for a frame, instead of a good one

    def token(self, embed: str) -> str:
        if self.say:
            return self.say(embed)
        who = self.who.get(embed)
        return token(self.server.url, who, embed=embed) if who else ''

    def page(self, *embeds: str, look: str = 'layout=compact') -> str:
        for embed in embeds:
            self.host.answers[f'/token/{embed}'] = lambda embed=embed: self.token(embed)  # type: ignore[misc]
        src = self.server.url + '/embed/{0}?' + look
        frames = ''.join(
            f'<iframe id="{each}" title="{each}" src="{src.format(each)}" width="480" height="640"></iframe>'
            for each in embeds
        )
        return self.host.page(f'<h1>Host</h1><button id="mine">Mine</button>{frames}{SCRIPT % self.server.url}')


@dataclass
class Chat:
    """One frame as its visitor sees it."""

    page: Page
    embed: str = 'helpdesk'

    @property
    def frame(self) -> FrameLocator:
        return self.page.frame_locator(f'#{self.embed}')

    def get(self, test_id: str) -> Locator:
        return self.frame.get_by_test_id(test_id)

    @property
    def input(self) -> Locator:
        return self.get('composer-input')

    def is_ready(self) -> 'Chat':
        """Wait until it can be used."""
        self.heard('ready', stage='chat')
        return self

    def ask(self, text: str) -> str:
        """The whole answer."""
        before = self.get('message-assistant').count()
        self.input.fill(text)
        self.get('composer-send').click()
        return self.answer(before + 1)

    def answer(self, count: int) -> str:
        answers = self.get('message-assistant')
        expect(answers).to_have_count(count)
        expect(answers.last).to_have_attribute('data-status', 'complete')
        return answers.last.get_by_test_id('message-text').inner_text()

    def heard(self, name: str, **values: object) -> dict[str, Any]:
        """Wait until the host has heard it; the newest."""
        wanted = {'type': f'chat:{name}', 'frame': self.embed} | values
        find = """wanted => [...got].reverse().find((each) =>
            Object.entries(wanted).every(([name, value]) => each[name] === value))"""
        found = self.page.wait_for_function(find, arg=wanted).json_value()
        assert isinstance(found, dict)
        return found

    def forget(self) -> None:
        """Let the host hear anew."""
        self.page.evaluate('() => { got.length = 0 }')

    def tell(self, name: str, **values: object) -> None:
        self.page.evaluate('([id, name, values]) => tell(id, name, values)', [self.embed, name, values])

    def reload(self) -> None:
        self.forget()
        self.page.locator(f'#{self.embed}').evaluate('(frame) => { frame.src = frame.src }')

    def reload_itself(self) -> None:
        """As the browser's menu of the frame does."""
        self.forget()
        frame = next(each for each in self.page.frames if f'/embed/{self.embed}' in each.url)
        frame.evaluate('() => location.reload()')


@pytest.fixture(scope='module')
def inputs() -> list[dict[str, Any]]:
    return []


@pytest.fixture(scope='module')
def host() -> Iterator[Host]:
    with hosting() as host:
        yield host


@pytest.fixture(scope='module')
def server(tmp_path_factory: pytest.TempPathFactory, host: Host, inputs: list[dict[str, Any]]) -> Iterator[Server]:
    from webapp.upstream.demo import build, serve

    demo = build(key='demo', form=FORM)
    demo.add_middleware(Inputs, seen=inputs)
    tables = (
        table('helpdesk', K1, origins=[host.url]),
        table('sales', K1, origins=[host.url], share_text=True),
        table('open', K1, origins=[host.url], anonymous=True),
        '[limits]\nmessages_per_minute = 0\nembed_entries_per_minute = 0\n',
    )
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(serve(demo)) as upstream,
        embedded(tmp_path_factory.mktemp('embedded'), upstream, *tables) as server,
    ):
        yield server


@pytest.fixture(scope='module', params=COOKIES)
def person(
    request: pytest.FixtureRequest, playwright: Playwright, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[BrowserContext]:
    """A browser that treats cookies of frames in its own way, and has been seen to do so."""
    preferences, seen = COOKIES[request.param]
    if chromium.find(playwright) is None:
        pytest.skip(f'browser: {chromium.HINT}')
    with chromium.profile(playwright, tmp_path_factory.mktemp('profile'), preferences, **HERE) as context:
        assert asked_twice(context) == seen
        yield context


def asked_twice(context: BrowserContext) -> str:
    """What a frame of another site has of its own cookies and storage when it is asked for again."""
    cookies = ['plain=1; SameSite=None; Secure', 'partitioned=1; SameSite=None; Secure; Partitioned; Path=/']
    page = context.new_page()
    with hosting('127.0.0.1') as inner, hosting() as outer:
        inner.setting = cookies
        framed = inner.page(PROBE)
        url = outer.page(f'<iframe src="{framed}"></iframe>')
        for _ in range(2):
            page.goto(url)
        seen = page.frame_locator('iframe').locator('#seen').inner_text()
    page.close()
    context.clear_cookies()
    return seen


APART = pytest.mark.parametrize('person', ['apart'], indirect=True)
REFUSED = pytest.mark.parametrize('person', ['refused'], indirect=True)  # all that needs a pass


@pytest.fixture
def page(person: BrowserContext, watched: Watched) -> Iterator[Page]:
    with watched(person):
        page = person.new_page()
        yield page
    page.close()
    person.clear_cookies()


@pytest.fixture
def site(host: Host, server: Server) -> Site:
    """With somebody at both of its chats whom nobody has met before."""
    me = uuid4().hex
    return Site(host, server, {'helpdesk': f'ann {me}', 'sales': f'bob {me}'})


def test_a_conversation_goes_on_when_the_frame_or_the_page_is_reloaded(page: Page, site: Site) -> None:
    page.goto(site.page('helpdesk'))
    chat = Chat(page).is_ready()
    chat.input.fill('/rate 40 /long 40')
    chat.get('composer-send').click()
    expect(chat.get('message-assistant')).to_have_attribute('data-phase', 'streaming')
    chat.reload_itself()
    chat.is_ready()
    assert 'long' in chat.get('message-user').inner_text()
    chat.answer(1)
    for again in (chat.reload, chat.reload_itself, page.reload):
        again()
        chat.is_ready()
        expect(chat.get('message-user')).to_have_count(1)
    assert chat.ask('/echo once more') == 'once more'
    assert '?t=' not in page.frames[1].url


def test_a_picture_is_uploaded_and_seen_and_a_file_can_be_had_back(page: Page, site: Site) -> None:
    page.goto(site.page('helpdesk'))
    chat = Chat(page).is_ready()
    files = [('a.png', 'image/png', PNG), ('a.txt', 'text/plain', b'words')]
    chat.get('composer-file').set_input_files(
        [{'name': name, 'mimeType': kind, 'buffer': data} for name, kind, data in files]
    )
    expect(chat.get('attachment')).to_have_count(2)
    for tile in chat.get('attachment').all():
        expect(tile).to_have_attribute('data-state', 'ready')
    chat.ask('what is this?')
    for _ in range(2):
        picture = chat.get('message-user').get_by_test_id('message-image').locator('img')
        picture.scroll_into_view_if_needed()
        expect(picture).to_have_js_property('naturalWidth', 1)
        with page.expect_download() as download:
            chat.get('message-user').get_by_test_id('message-file').locator('a').click()
        assert download.value.suggested_filename == 'a.txt'
        assert Path(download.value.path()).read_bytes() == b'words'
        chat.reload()
        chat.is_ready()


@REFUSED
def test_a_picture_in_the_text_of_an_answer_is_seen_and_a_file_can_be_had(page: Page, site: Site) -> None:
    page.goto(site.page('helpdesk'))
    chat = Chat(page).is_ready()
    chat.ask('/figure internal what is this?')
    for _ in range(2):
        text = chat.get('message-text')
        text.locator('img').scroll_into_view_if_needed()
        expect(text.locator('img')).to_have_js_property('naturalWidth', 320)
        text.locator('a.image').click()
        expect(chat.get('lightbox').locator('.lightbox-stage img')).to_have_js_property('naturalWidth', 320)
        chat.get('lightbox-close').click()
        with page.expect_download() as download:
            text.get_by_role('link', name='numbers.csv').click()
        assert Path(download.value.path()).read_text().startswith('month,amount')
        chat.reload()
        chat.is_ready()


def test_two_people_in_two_frames_of_one_page_never_mix(page: Page, site: Site) -> None:
    page.goto(site.page('helpdesk', 'sales'))
    ann, bob = Chat(page, 'helpdesk').is_ready(), Chat(page, 'sales').is_ready()
    ann.ask('/echo of ann')
    bob.ask('/echo of bob')
    for again, new in ((page.reload, (ann, bob)), (ann.reload_itself, (ann,)), (bob.reload_itself, (bob,))):
        again()
        for chat in new:
            chat.is_ready()
        for chat, words in ((ann, 'of ann'), (bob, 'of bob')):
            expect(chat.get('message-user')).to_have_text(f'/echo {words}')
            assert chat.answer(1) == words


def test_somebody_else_finds_nothing_of_the_one_before_not_even_a_draft(page: Page, site: Site) -> None:
    page.goto(site.page('helpdesk'))
    chat = Chat(page).is_ready()
    chat.ask('/echo a secret')
    chat.tell('newConversation')
    expect(chat.get('message-user')).to_have_count(0)
    chat.input.fill('a secret draft')
    ann, site.who['helpdesk'] = site.who['helpdesk'], f'eve {uuid4().hex}'
    chat.forget()
    chat.tell('identify', token=None)
    chat.heard('ready', stage='entry')
    chat.is_ready()
    expect(chat.input).to_have_value('')
    expect(chat.get('message-user')).to_have_count(0)
    site.who['helpdesk'] = ann
    page.reload()
    chat.is_ready()
    expect(chat.get('message-user')).to_have_text('/echo a secret')
    chat.tell('newConversation')
    expect(chat.get('message-user')).to_have_count(0)
    expect(chat.input).to_have_value('a secret draft' if keeps_drafts(page) else '')


def test_a_visitor_without_a_name_goes_on_where_browsers_keep_something(page: Page, site: Site) -> None:
    page.goto(site.page('open'))
    chat = Chat(page, 'open').is_ready()
    chat.ask('/echo hello')
    has_cookie = bool(page.context.cookies())
    chat.reload()
    chat.is_ready()
    expect(chat.get('message-user')).to_have_count(1 if has_cookie else 0)


@APART
def test_a_token_that_has_expired_is_refused_in_words_and_a_new_one_leads_in(
    page: Page, site: Site, problems: list[str]
) -> None:
    site.say = lambda embed: token(site.server.url, 'ann', embed=embed, iat=1_700_000_000, exp=1_700_000_060)
    page.goto(site.page('helpdesk'))
    chat = Chat(page)
    refusal = chat.heard('error')
    assert refusal['code'] == 'expired'
    assert 'Make one for each visit' in refusal['message']
    expect(chat.get('entry-refused')).to_contain_text('could not tell us who you are')
    site.say = None
    chat.get('entry-again').click()
    chat.is_ready()
    problems.clear()  # which are for the integrator


@APART
def test_so_is_one_that_was_used_before(page: Page, site: Site, problems: list[str]) -> None:
    once = token(site.server.url, uuid4().hex)
    site.say = lambda _: once
    page.goto(site.page('helpdesk'))
    chat = Chat(page).is_ready()
    chat.reload()
    assert chat.heard('error')['code'] == 'replayed'
    expect(chat.get('entry-refused')).to_be_visible()
    problems.clear()


@APART
def test_a_host_that_does_not_know_who_is_there_ends_nothing(page: Page, site: Site, problems: list[str]) -> None:
    page.goto(site.page('helpdesk'))
    chat = Chat(page).is_ready()
    chat.ask('/echo of ann')
    site.say = lambda _: 'unknown'
    entered: list[str] = []
    page.on('request', lambda request: request.method == 'POST' and entered.append(request.url))
    chat.reload()
    assert chat.heard('error')['code'] == 'unknown'
    expect(chat.get('entry-refused')).to_contain_text('could not find out who you are')
    assert entered == []
    page.frames[1].evaluate("() => location.replace('/embed/helpdesk/chat')")  # as the browser knows her still
    chat.is_ready()
    chat.reload()
    chat.heard('error', code='unknown')
    site.say = None
    chat.get('entry-again').click()
    chat.is_ready()
    expect(chat.get('message-user')).to_have_text('/echo of ann')
    problems.clear()


@APART
def test_trying_again_keeps_the_focus(page: Page, site: Site, problems: list[str]) -> None:
    site.who.clear()
    page.goto(site.page('helpdesk'))
    chat = Chat(page)
    again, refused = chat.get('entry-again'), chat.get('entry-refused')
    expect(again).to_be_visible()
    again.focus()
    # it is patient with who says hello
    page.evaluate("addEventListener('message', ({ data }) => data.type === 'chat:ready' && tell('helpdesk', 'hello'))")
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route('**/token/helpdesk', hold)
    with page.expect_request('**/token/helpdesk'):
        page.keyboard.press('Enter')
    page.keyboard.press('Enter')  # once is enough
    expect(refused).to_have_attribute('aria-busy', 'true')
    expect(again).to_have_attribute('aria-disabled', 'true')
    expect(again).to_be_focused()
    chat.forget()
    held[0].fulfill(body='')
    chat.heard('error', code='identity_needed')
    expect(refused).to_have_attribute('aria-busy', 'false')
    expect(again).to_have_attribute('aria-disabled', 'false')
    expect(again).to_be_focused()
    assert len(held) == 1
    problems.clear()


@APART
def test_who_signs_out_at_the_host_is_out_here(page: Page, site: Site, problems: list[str]) -> None:
    page.goto(site.page('helpdesk'))
    chat = Chat(page).is_ready()
    chat.ask('/echo of ann')
    ann = site.who.pop('helpdesk')
    chat.forget()
    chat.tell('logout')
    assert chat.heard('error')['code'] == 'identity_needed'
    expect(chat.get('entry-refused')).to_contain_text('Sign in')
    expect(chat.get('message-user')).to_have_count(0)
    site.who['helpdesk'] = ann
    chat.get('entry-again').click()
    chat.is_ready()
    expect(chat.get('message-user')).to_have_text('/echo of ann')
    problems.clear()


@APART
def test_the_host_asks_and_begins_anew_and_is_told(page: Page, site: Site) -> None:
    page.goto(site.page('helpdesk', 'sales'))
    chats = Chat(page, 'helpdesk').is_ready(), Chat(page, 'sales').is_ready()
    for chat, is_told in zip(chats, (False, True), strict=True):
        chat.tell('send', text='/echo for the host')
        question, answer = chat.heard('message', role='user'), chat.heard('message', role='assistant')
        assert (question['status'], answer['status']) == ('complete', 'complete')
        assert question['conversation'] == answer['conversation'] != ''
        said = [question.get('text'), answer.get('text')]
        assert said == (['/echo for the host', 'for the host'] if is_told else [None, None])
        chat.tell('newConversation')
        expect(chat.get('message-user')).to_have_count(0)
        chat.forget()
        chat.tell('send', text='/echo again')
        assert chat.heard('message', role='user')['conversation'] != question['conversation']


@APART
def test_the_host_fills_in_the_form_of_the_app(page: Page, site: Site, inputs: list[dict[str, Any]]) -> None:
    page.goto(site.page('helpdesk'))
    chat = Chat(page).is_ready()
    for bad, words in (
        ({'customer': 7}, 'customer'),
        ({'customer': 'x' * 21}, 'customer'),
        ({'tone': 'rude'}, 'tone'),
        ({'admin': True}, 'customer, tone'),
        ([], 'no object'),
        ('x', 'no object'),
        (None, 'no object'),
    ):
        chat.forget()
        chat.tell('setInputs', inputs=bad)
        refusal = chat.heard('error')
        assert (refusal['code'], words in refusal['message']) == ('inputs_unfit', True)
    chat.tell('setInputs', inputs={'customer': 'Miller', 'tone': 'casual'})
    chat.tell('newConversation')
    chat.ask('/echo one')
    chat.ask('/echo two')
    assert inputs[-2:] == [{'customer': 'Miller', 'tone': 'casual'}] * 2


@APART
def test_the_host_chooses_colours_and_language(page: Page, site: Site) -> None:
    page.goto(site.page('helpdesk', look='theme=dark&accent=%23aa0000'))
    chat = Chat(page).is_ready()
    chat.ask('/echo hello')
    root = chat.frame.locator('html')
    expect(root).to_have_attribute('data-theme', 'dark')
    written = chat.get('message-assistant').locator('time')
    expect(written).to_contain_text('M')  # AM or PM
    for theme, language in (('light', 'de-DE'), ('<b>', 'de-DE"'), (7, 7), (None, None), (['dark'], ['fr'])):
        chat.tell('setTheme', theme=theme)
        chat.tell('setLanguage', language=language)
    expect(written).not_to_contain_text('M')
    expect(root).to_have_attribute('data-theme', 'light')
    expect(root).to_have_attribute('data-language', 'de-DE')


@APART
def test_what_ends_while_nobody_looks_is_counted(page: Page, site: Site) -> None:
    page.goto(site.page('helpdesk', look='layout=bubble'))
    chat = Chat(page).is_ready()
    chat.tell('close')
    chat.heard('closed')
    chat.tell('send', text='/echo hello')
    chat.heard('unread', count=1)
    chat.tell('open')
    chat.heard('opened')
    chat.heard('unread', count=0)


@APART
def test_keys_are_enough(page: Page, site: Site) -> None:
    page.goto(site.page('helpdesk', look='layout=bubble'))
    chat = Chat(page).is_ready()
    page.locator('#mine').focus()
    for _ in range(30):
        page.keyboard.press('Tab')
        if chat.input.evaluate('(box) => box === document.activeElement && document.hasFocus()'):
            break
    page.keyboard.type('/echo by keys')
    page.keyboard.press('Enter')
    assert chat.answer(1) == 'by keys'
    page.keyboard.press('Escape')
    chat.heard('closed')


STRANGER = """<script>
const say = (data) => parent.frames[0].postMessage(data, '*');
addEventListener('message', ({ data }) => {
  for (const each of data) say(each);
  parent.postMessage('said', '*');
});
</script>"""


@APART
def test_only_the_page_around_is_heard(page: Page, site: Site) -> None:
    """Not another frame of it, be it of the host itself; and of the host not what it can't mean."""
    shown = site.page('helpdesk')
    with hosting('127.0.0.1') as other:
        for stranger in (other.page(STRANGER), site.host.page(STRANGER)):
            page.goto(shown)
            chat = Chat(page).is_ready()
            page.evaluate(
                """(src) => new Promise((done) => {
                    const frame = document.createElement('iframe');
                    Object.assign(frame, { id: 'stranger', src, onload: done });
                    document.body.append(frame);
                })""",
                stranger,
            )
            wishes = [
                {'type': f'chat:{name}', 'version': 1, **values}
                for name, values in (
                    ('send', {'text': '/echo of a stranger'}),
                    ('setTheme', {'theme': 'dark'}),
                    ('setInputs', {'inputs': {}}),
                    ('newConversation', {}),
                    ('identify', {'token': None}),
                    ('logout', {}),
                    ('close', {}),
                )
            ]
            page.evaluate(
                """(wishes) => new Promise((done) => {
                    addEventListener('message', ({ data }) => data === 'said' && done());
                    document.getElementById('stranger').contentWindow.postMessage(wishes, '*');
                })""",
                wishes,
            )
            for odd in (
                None, 7, 'chat:logout', [], {}, {'type': 'chat:logout'}, {'type': 'chat:logout', 'version': 2},
                {'type': 'chat:logout', 'version': '1'}, {'type': ['chat:logout'], 'version': 1},
                {'type': 'logout', 'version': 1}, {'type': 'chat:constructor', 'version': 1},
                {'type': 'chat:__proto__', 'version': 1}, {'type': 'chat:toString', 'version': 1},
                {'type': 'chat:send', 'version': 1}, {'type': 'chat:send', 'version': 1, 'text': 7},
                {'type': 'chat:send', 'version': 1, 'text': '  '}, {'type': 'chat:nothing', 'version': 1},
            ):  # fmt: skip
                page.evaluate('(odd) => frame("helpdesk").contentWindow.postMessage(odd, chat)', odd)
            chat.tell('send', text='/echo of the host')
            expect(chat.get('message-user').last).to_have_text('/echo of the host')
            expect(chat.frame.get_by_text('of a stranger')).to_have_count(0)
            expect(chat.frame.locator('html')).to_have_attribute('data-theme', 'auto')
            assert page.evaluate('() => got.filter(({ type }) => type === "chat:closed").length') == 0
            site.who['helpdesk'] = f'fay {uuid4().hex}'


@APART
def test_nor_does_another_frame_say_who_is_there(page: Page, site: Site, problems: list[str]) -> None:
    site.who.clear()
    page.goto(site.host.page(f'<iframe id="helpdesk" src="{site.server.url}/embed/helpdesk"></iframe><p>'))
    chat = Chat(page)
    expect(chat.get('entry-waiting')).to_be_attached()
    page.evaluate(
        """([src, said]) => new Promise((done) => {
            const frame = document.createElement('iframe');
            frame.onload = () => frame.contentWindow.postMessage([said], '*');
            frame.src = src;
            document.body.append(frame);
            addEventListener('message', ({ data }) => data === 'said' && done());
        })""",
        [
            site.host.page(STRANGER),
            {'type': 'chat:identify', 'version': 1, 'token': token(site.server.url, 'eve')},
        ],
    )
    expect(chat.get('entry-refused')).to_contain_text('Sign in')
    problems.clear()


@APART
def test_a_host_that_says_late_who_is_there_is_heard_all_the_same(page: Page, site: Site, problems: list[str]) -> None:
    """While the frame is on its way in as nobody."""
    held: list[Route] = []

    def hold_the_first(route: Route) -> None:
        if route.request.method == 'POST' and not held:
            held.append(route)
        else:
            route.fallback()

    url = f'{site.server.url}/embed/helpdesk'
    page.route(url, hold_the_first)
    with page.expect_request(lambda request: request.method == 'POST'):
        page.goto(site.host.page(f'<iframe id="helpdesk" src="{url}"></iframe>'))
    said = {'type': 'chat:identify', 'version': 1, 'token': token(site.server.url, uuid4().hex)}
    page.evaluate('([said, to]) => frames[0].postMessage(said, to)', [said, site.server.url])
    held[0].continue_()
    expect(Chat(page).input).to_be_editable()
    problems.clear()


def keeps_drafts(page: Page) -> bool:
    """Whether the frame has the browser's own storage, and not what stands in for it as long as the page lives."""
    return bool(page.frames[1].evaluate("() => !!Object.getOwnPropertyDescriptor(window, 'localStorage').get"))


@APART
def test_two_people_in_two_tabs_do_not_chase_each_other_for_ever(page: Page, site: Site, problems: list[str]) -> None:
    page.goto(site.page('helpdesk'))
    Chat(page).is_ready()
    frame = page.frames[1]
    box, again = frame.get_by_test_id('composer-input'), frame.get_by_test_id('entry-again')
    for _ in range(10):  # as if somebody else had taken the session, again and again
        expect(box.or_(again)).to_be_visible()
        if again.is_visible():
            break
        frame.goto(frame.url.partition('/chat')[0])
    expect(frame.get_by_test_id('entry-refused')).to_contain_text('another tab')
    again.click()
    expect(box).to_be_visible()
    problems.clear()  # whoever builds the host is told
