"""The page's components with made-up data, on a server of their own: to look at, and for the tests to click on.

    python tests/ui/gallery.py [port]

`/` is a conversation, `/empty` a new one, `/long` one of many messages, `/states` one message in each state.
What the components say is kept in `heard` and shown on `/heard`, so that tests can read it.
"""

import asyncio
import struct
import sys
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import gallery_uploads
import uvicorn
from fastapi import FastAPI, Response
from nicegui import background_tasks, ui

from webapp import markdown
from webapp.chat.message import Citation, Failure, Status, StepPart, StepState, Usage
from webapp.chat.reducer import replay
from webapp.edge import assets, template
from webapp.store.usage import Total
from webapp.ui import i18n, theme, views
from webapp.ui.components.composer import Composer
from webapp.ui.components.conversations import Conversations, Row
from webapp.ui.components.steps import Icon, StepLook
from webapp.ui.components.thread import FileView, Greeting, MessageView, Thread, UsageView
from webapp.ui.theme import AppLink, Banner, Link, Person
from webapp.upstream.faults import Faults
from webapp.upstream.limits import TimeLimits
from webapp.upstream.reading import Reading

NOW = datetime.now(UTC)
RECORDINGS = Path(__file__).parents[1] / 'recordings'
PAGE = 30  # messages

heard: list[list[object]] = []
stored: set[str] = set()  # keys of what was sent

HANDBOOK = 'Handbook, chapter 4.pdf'
CITATIONS = (
    Citation(1, HANDBOOK, 'The laptop connects by itself once the certificate is there.', 'IT', score=0.83),
    Citation(2, 'https://intranet.example.com/a/very/long/address/of/a/page', 'Ask the service desk. ' * 20),
    Citation(3, HANDBOOK, '<b>Certificates</b> last a year.', 'IT', score=0.41, url='https://wiki.example.com/vpn?x=1'),
    Citation(4, 'الدليل', 'يتصل الحاسوب بنفسه.', score=12.5, url='javascript:alert(1)'),
    Citation(5, HANDBOOK, 'The laptop connects by itself once the certificate is there.', 'IT', score=0.83),
)
STEPS = (
    StepPart('1', 'tool', 'Search the handbook', StepState.SUCCEEDED, 0.42, '{"query": "vpn"}', '3 passages'),
    StepPart('2', 'tool', 'Ask the directory', StepState.FAILED, 2.1),
)
NESTED = (
    StepPart('start', 'start', 'Start', StepState.SUCCEEDED, 0.01),
    StepPart('search', 'knowledge-retrieval', 'Search the handbook', StepState.SUCCEEDED, 0.8),
    StepPart('iter', 'iteration', 'Read each chapter', StepState.SUCCEEDED, 2.4, rounds=2),
    StepPart('r1', 'llm', 'Sum up the chapter', StepState.SUCCEEDED, 1.1, parent='iter', round=1),
    StepPart('r2', 'llm', 'Sum up the chapter', StepState.SUCCEEDED, 1.3, parent='iter', round=2, retries=1),
    StepPart('left', 'http-request', 'Ask the directory', StepState.FAILED, 0.3, branch='left'),
    StepPart('right', 'tool', 'Look at the calendar', StepState.SUCCEEDED, 0.6, branch='right'),
    StepPart('agent', 'agent', 'Compare what was found', StepState.SUCCEEDED, 1.9),
    StepPart('l1', 'log', 'ROUND 1', StepState.SUCCEEDED, 1.8, parent='agent'),
    StepPart('l2', 'log', 'CALL handbook_search', StepState.SUCCEEDED, 0.7, parent='l1'),
    StepPart('llm', 'llm', 'Write the answer', StepState.RUNNING),
)
PICTURES = tuple(
    FileView(f'p{number}', f'photo {number}.png', 'image', f'/files/p{number}', 4711, 'image/png', width, height)
    for number, (width, height) in enumerate([(800, 600), (300, 900), (640, 480)])
)
UNMEASURED = FileView('p1', '0B9F6A0E-6c1d-4c57-9f0e-3a1f5d2b7c11.png', 'image', '/files/p1')
LOST = FileView('lost', 'lost.png', 'image', '/files/lost', 1, 'image/png')
DRAWING = FileView('drawing', 'drawing.svg', 'document', '/files/drawing', 900, 'image/svg+xml')
LINKED = FileView('l', 'chart.png', 'link', '', link='https://files.example.com/2026/chart.png')
REPORT = FileView(
    'report',
    'A report with a very long name, of the year and all its months.pdf',
    'document',
    '/files/report',
    2_400_000,
)
CITED = 'It connects by itself [1], once **[3]** is there, not `[2]`, not [9].\n\n'
PASTE = 'A line of what was pasted, und noch ein paar Worte dazu.\n' * 36_000  # two million characters
USAGE = views.usage_view(Usage(700, 112, 812, Decimal('0.0011'), Decimal('0.001'), Decimal('0.0021'), 'USD', 4.2, 0.14))
MUCH = Usage(123_456, 1112, 124_568, Decimal('1.5'), Decimal('1E-9'), Decimal('1.500000001'), 'CNY', 1234.5)
DOLLARS = Total('USD', 2, 1400, 224, 1624, Decimal('0.0042'), unpriced=0, unknown=0)
YUAN = Total('CNY', 1, 123_456, 1112, 124_568, Decimal('1.500000001'), unpriced=0, unknown=0)
LINE = 'Answer {}. It fits into one line.'
ANSWER = """\
A **rolling update** replaces the old version step by step, so the service answers all the time. In short:

1. Start one new instance beside the old ones.
2. Wait until it reports `ready`.
3. Take one old instance out of the balancer, and let it finish its requests.

## What to set

| Setting | Meaning | Default |
|---|---|--:|
| `maxSurge` | how many more than wanted may run | 25 % |
| `maxUnavailable` | how many fewer than wanted may run | 25 % |

```python
async def drain(instance: Instance) -> None:
    instance.ready = False  # the balancer sees it within two seconds
    await asyncio.sleep(2)
    await instance.finish(timeout=25, reason='update')
```

The balancer's own page on this is worth reading: [connection draining](https://example.com/drain).[^1]

- [x] read the page
- [ ] try it out

> A process that is told to end has 30 seconds for it.

The share of time that is lost is \\(\\frac{t}{n+1}\\) at most.

[^1]: It speaks of other balancers, too.
"""


def message(number: int, text: str | None = None, **values: object) -> MessageView:
    """A message like any other, with an answer in Markdown."""
    text = (ANSWER if number % 3 == 0 else LINE.format(number)) if text is None else text
    defaults: dict[str, object] = {
        'id': f'm{number}',
        'number': number,
        'query': f'Question {number}: how does a rolling update work?',
        'html': markdown.render(text, scope=f'm{number}-') if text else '',
        'version': hash(text),
        'status': Status.COMPLETE,
        'when': NOW - timedelta(minutes=200 - number),
        'usage': USAGE,
    }
    return MessageView(**{**defaults, **values})  # type: ignore[arg-type]


def rows() -> list[Row]:
    titles = [
        ('Rolling updates', 0), ('Questions on the travel policy, and who signs', 0.1), ('VPN on a new laptop', 0.2),
        ('Vacation days', 1), ('مرحبا بالعالم', 1.2), ('Draft of a letter', 4), ('<b>Not bold</b> & "quoted"', 5),
        ('Budget', 20), ('', 22), ('Onboarding', 70),
    ]  # fmt: skip
    return [
        Row(
            id=f'c{index}',
            title=title,
            href=f'/c/c{index}',
            updated=(NOW - timedelta(days=days)).timestamp(),
            running=index == 1,
            unread=index == 3,
            title_state='generated' if title else 'provisional',
        )
        for index, (title, days) in enumerate(titles)
    ]


class Page:
    """The frame with everything in it; answers what the components say in the simplest way."""

    def __init__(self, items: list[MessageView], greeting: Greeting | None = None, *, hidden: int = 0) -> None:
        self.hidden = hidden  # older messages that the page was not given yet
        self.items = {item.id: item for item in items}
        with theme.frame(
            name='Helpdesk',
            apps=[AppLink('Helpdesk', '/', current=True), AppLink('Travel', '/empty')],
            person=Person('Ada Lovelace', logout='/logout', links=(Link('My usage', '/me'),)),
        ) as self.frame:
            with self.frame.sidebar:
                self.list = Conversations(new_href='/empty')
            self.thread = Thread()
            self.composer = Composer()
        self.frame.set_title('Rolling updates')
        self.notify()
        self.list.show(rows(), more=True)
        self.list.select('c0')
        self.thread.show(items, more=hidden > 0, greeting=greeting)
        self.composer.set_draft_key('c0')
        self.composer.set_uploads(gallery_uploads.RULES)
        self.listen()

    def notify(self) -> None:
        words = 'This is the demo: answers come from the built-in handbook.'
        self.frame.show_banner(Banner('demo', words, closable=True))

    def warn(self) -> None:
        self.frame.show_banner(Banner('refusal', 'This is not possible right now.', 'warning', closable=True))

    def listen(self) -> None:
        self.composer.on_send(self.send)
        self.composer.on_stop(self.stop)
        self.composer.on_link(self.link)
        self.thread.on_ask(self.send)
        self.thread.on_action(lambda *values: heard.append(['action', *values]))
        self.thread.on_feedback(self.rate)
        self.thread.on_copy(lambda message_id: f'*Markdown* of {message_id}')
        self.thread.on_question(lambda message_id: self.items[message_id].query)
        self.thread.on_sources(lambda message_id: self.items[message_id].citations)
        self.thread.on_lost(lambda *values: heard.append(['lost', *values]))
        self.thread.on_earlier(self.earlier)
        self.list.on_open(self.open)
        self.list.on_new(lambda: heard.append(['new']))
        self.list.on_rename(lambda *values: heard.append(['rename', *values]))
        self.list.on_delete(self.delete)
        self.list.on_search(self.search)
        self.list.on_more(self.more)

    def link(self, ticket: int, url: str) -> None:
        heard.append(['link', url])
        if 'refused' in url:
            self.composer.not_linked(ticket, i18n.error('link_refused'))
            return
        name = url.rpartition('/')[2]
        self.composer.linked(ticket, {'id': f'link-{name}', 'name': name, 'kind': 'image', 'size': None, 'link': url})

    def rate(self, message_id: str, rating: str, comment: str) -> None:
        heard.append(['feedback', message_id, rating, comment])
        if comment == 'refuse this':
            self.thread.change(message(int(message_id[1:]), rating='dislike'))

    async def send(self, text: str, key: str, files: Sequence[str] = (), held: str = '') -> None:
        text = gallery_uploads.texts.pop(held) if held else text
        heard.append(['send', text, key])
        heard.append(['files', *files])
        if text == '/elsewhere':
            self.composer.accepted(key)
            await asyncio.sleep(1)  # time to scroll away
            self.thread.append(message(2000, 'Sent in another tab.'), own=False)
            return
        if text.startswith('/silence'):
            return
        if text.startswith('/late'):
            await gallery_uploads.goes_on.wait()
        if text.startswith('/refuse'):
            self.composer.refused(key)
            return
        self.composer.accepted(key)
        if text.startswith('/notice'):
            self.warn()
        if text.startswith('/move'):
            await asyncio.sleep(1)
            self.composer.set_draft_key(text.split()[1])
            return
        if key not in stored:
            stored.add(key)
            background_tasks.create(self.answer(text))

    async def answer(self, query: str) -> None:
        self.stopped = False
        item = message(1000 + len(stored), '', query=query, status=Status.RUNNING, phase='connecting', usage=None)
        self.thread.append(item)
        self.composer.set_state('running')
        if query == '/lost':
            self.thread.patch(item.id, {'from': 7, 'to': 8, 'ops': []})
            self.thread.patch(item.id, {'from': 8, 'to': 9, 'ops': []})
        document, text, seen = markdown.LiveDocument(scope='live-'), '', None
        steps: tuple[StepPart, ...] = ()
        for chunk in chunks(query):
            await asyncio.sleep(0.05)
            if self.stopped:
                break
            text += chunk
            document.update(text)
            patch, seen = document.patch(seen)
            self.thread.patch(item.id, patch)
            if query == '/steps':
                step = StepPart(str(len(steps)), 'tool', f'Step {len(steps)}', StepState.SUCCEEDED, 1.5)
                steps = (*steps, step)
                self.thread.change(replace(item, phase='streaming', steps=steps))
        document.finish(text)
        patch, seen = document.patch(seen)
        self.thread.patch(item.id, patch)
        status = Status.STOPPED if self.stopped else Status.COMPLETE
        self.thread.change(message(item.number, '', query=query, status=status, steps=steps))
        self.thread.set_sum(views.sum_line([DOLLARS]))
        self.composer.set_state('ready')

    def stop(self) -> None:
        heard.append(['stop'])
        self.stopped = True

    def earlier(self, number: int) -> None:
        heard.append(['earlier', number])
        first = max(1, number - PAGE)
        self.thread.earlier([message(each) for each in range(first, number)], more=first > 1)

    def open(self, conversation_id: str) -> None:
        heard.append(['open', conversation_id])
        self.composer.set_draft_key(conversation_id)
        self.thread.show([message(1, query=f'Opened {conversation_id}')])

    def delete(self, conversation_id: str) -> None:
        heard.append(['delete', conversation_id])
        self.list.discard(conversation_id)

    def search(self, text: str) -> None:
        heard.append(['search', text])
        self.list.show([row for row in rows() if text.lower() in row.title.lower()], search=text)

    def more(self, last_id: str, search: str) -> None:
        heard.append(['more', last_id, search])
        older = [
            Row(f'{last_id}-{index}', f'Older {index}', '/', (NOW - timedelta(days=100 + index)).timestamp())
            for index in range(40)
        ]
        self.list.extend(older, more=False, search=search)


def chunks(query: str) -> Iterator[str]:
    """The answer bit by bit: some paragraphs, `/long 60` of them, or with `/markdown` a bit of everything."""
    if query == '/markdown':
        yield from (ANSWER[at : at + 8] for at in range(0, len(ANSWER), 8))
        return
    count = int(query.split()[1]) if query.startswith('/long') else 20
    yield from (f'Paragraph {index} of the answer to {len(query)} letters.\n\n' for index in range(count))


def states() -> list[MessageView]:
    long = 'What does a finished answer look like?\n\nWith two paragraphs, and a very_long_word_' + 'x' * 90
    thoughts = 'The person asks about updates.\nI should be brief.'
    failed = {'error': i18n.error('model_failed'), 'detail': 'HTTP 400 completion_request_error', 'retryable': True}
    cut = {'error': i18n.error('stream_cut'), 'retryable': True}
    return [
        message(1, ANSWER, query=long, reasoning=thoughts, steps=STEPS, citations=CITATIONS),
        message(2, 'بخير، شكرا لك.', query='مرحبا، كيف حالك؟'),
        message(3, 'This answer was stopped, and', status=Status.STOPPED, rating='like', comment='Short.'),
        message(4, '', status=Status.FAILED, **failed),
        message(5, 'This answer broke', status=Status.INTERRUPTED, **cut),
        message(6, 'Which of the two?', status=Status.WAITING),
        message(10, 'This one broke, and was completed.', repaired=True, usage=UsageView('–')),
        message(7, '', status=Status.RUNNING, phase='queued', place=3),
        message(8, '', status=Status.RUNNING, phase='connecting'),
        message(9, 'Being writ', status=Status.RUNNING, phase='streaming'),
    ]


def stepped() -> list[MessageView]:
    look = StepLook(icons={'search': Icon(emoji='📖', background='#e4fbcc')})
    called = StepPart('1', 'tool', 'Search', StepState.SUCCEEDED, 0.42, '{"query": "vpn"}', '3 passages', tool='search')
    thought = {'reasoning': 'The person asks about updates.\nI should be brief.', 'thought_seconds': 4.2}
    done = tuple(replace(step, state=StepState.SUCCEEDED) if step.id == 'llm' else step for step in NESTED)
    return [
        message(3),
        message(1, 'A flow.', steps=done, step_seconds=6.31, **thought),
        message(2, 'An agent.', steps=(called, STEPS[1]), step_look=look),
        message(5, 'Stopped.', steps=NESTED, status=Status.STOPPED, usage=None),
        message(6, '', steps=NESTED, status=Status.RUNNING, phase='streaming', usage=None),
    ]


def recorded() -> list[MessageView]:
    """What a real Dify said, as far as there are steps or thoughts in it."""
    items = []
    for path in sorted(RECORDINGS.glob('*.sse')):
        body = path.read_bytes().replace(b'\r\n', b'\n').partition(b'\n\n')[2]
        reading = Reading(Faults(), TimeLimits())
        reply = replay([*reading.take(body, now=0), *reading.close(Failure('stream_cut'), now=0)])
        if reply.steps or reply.reasoning:
            shown = {'steps': reply.steps, 'step_seconds': reply.seconds, 'reasoning': reply.reasoning}
            items.append(message(len(items) + 1, reply.text, query=path.stem, status=reply.status, **shown))
    return items


def with_files() -> list[MessageView]:
    return [
        message(1, query='What is on these?', files=(*PICTURES, LOST)),
        message(2, query='And in these?', files=(REPORT, DRAWING)),
        message(4, 'Here it is.', query='Draw one', made=PICTURES[:1]),
        message(3, 'And this one.', query='Draw another', made=(UNMEASURED,)),
        message(5, query='One, standing upright', files=PICTURES[1:2]),
    ]


def of_days() -> list[MessageView]:
    days = (400, 400, 1, 0, 0)
    return [message(number, when=NOW - timedelta(days=day)) for number, day in enumerate(days, 1)]


async def picture(name: str) -> Response:
    """As the app serves them: pictures to be looked at."""
    shown = {each.id: each for each in PICTURES}.get(name)
    if shown is None:
        return Response(status_code=404)
    await asyncio.sleep(0.2)
    return Response(png(shown.width or 1, shown.height or 1), media_type='image/png')


def png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))

    rows = b''.join(
        b'\0' + bytes((x * 255 // width, y * 255 // height, 120)[i] for x in range(width) for i in range(3))
        for y in range(height)
    )
    head = struct.pack('>IIBBBBB', width, height, 8, 2, 0, 0, 0)
    return b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', head) + chunk(b'IDAT', zlib.compress(rows, 1)) + chunk(b'IEND', b'')


def build() -> FastAPI:
    template.prepare()
    app = FastAPI()
    app.add_middleware(assets.Assets)
    ui.page('/')(lambda: Page([message(number) for number in range(1, 6)]) and None)
    ui.page('/long')(lambda: Page([message(number) for number in range(271, 301)], hidden=270) and None)
    ui.page('/states')(lambda: Page(states()) and None)
    ui.page('/cited')(lambda: Page([message(3), message(6, CITED + ANSWER, citations=CITATIONS)]) and None)
    ui.page('/files')(lambda: Page(with_files()) and None)
    ui.page('/recorded')(lambda: Page(recorded()) and None)
    ui.page('/linked')(lambda: Page([message(1, query='And what is there?', files=(LINKED,))]) and None)
    ui.page('/days')(lambda: Page(of_days()) and None)
    ui.page('/pasted')(lambda: Page([message(1, query=PASTE), message(2)]) and None)
    ui.page('/stepped')(lambda: Page([message(3), message(4, steps=STEPS)]) and None)
    ui.page('/nested')(lambda: Page(stepped()) and None)
    ui.page('/counted')(counted)
    ui.page('/empty')(empty)
    ui.page('/filled')(lambda: Page([]).composer.set_text('from a link'))
    ui.page('/links')(lambda: Page([]).composer.set_uploads(replace(gallery_uploads.RULES, links=True)))
    ui.page('/no-files')(lambda: Page([]).composer.set_uploads(None))
    ui.page('/c/{conversation}')(lambda: Page([]) and None)
    app.include_router(gallery_uploads.router)
    app.get('/heard')(lambda: heard)
    app.delete('/heard')(heard.clear)
    app.get('/files/{name}')(picture)
    ui.run_with(app, language='en-US', tailwind=False, reconnect_timeout=30, show_welcome_message=False)
    return app


def counted() -> None:
    page = Page([message(1, steps=STEPS, citations=CITATIONS, files=(REPORT,), usage=views.usage_view(MUCH))])
    page.thread.set_sum(views.sum_line([DOLLARS, YUAN]))


def empty() -> None:
    questions = ('How do I get a VPN certificate?', 'Who signs my travel request?', 'What is new this week?')
    opening = markdown.render('I know the **handbook** by heart. Ask away.', scope='opening-')
    page = Page([], Greeting('Good to see you', opening, questions))
    page.composer.set_draft_key('new:helpdesk')


if __name__ == '__main__':
    uvicorn.run(build(), host='127.0.0.1', port=int(sys.argv[1]) if len(sys.argv) > 1 else 8099, log_level='warning')
