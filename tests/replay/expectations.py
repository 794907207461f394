"""What a page shows of a recorded answer, worked out from its bytes by the rules of the recordings' README.

Nothing here asks the product: what no rule tells is written down in `told.py`.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from recorded_dify import KEY
from recorded_exchanges import Json, Recording

WORDS: dict[str, str] = json.loads(
    (Path(__file__).parents[2] / 'webapp' / 'ui' / 'locale' / 'en.json').read_text('utf-8')
)
TEXT = ('message', 'agent_message', 'message_file')  # text may come under the name of files
THOUGHT = re.compile(r'<think>(.*?)</think>', re.DOTALL)
MARKS = re.compile(r'\*\*|_(?=\()|(?<=\))_')  # of Markdown, as far as the answers have any
NOTICED = 0.05  # seconds; what was quicker has no time beside it
SPEAKING = {'plain', 'moderated'}
SUGGESTING = {'chat', 'chatflow'}
NEXT = ['What is the next step?', 'Can you give an example?', 'How much does it cost?']
IDS = ('conversation_id', 'message_id', 'task_id', 'workflow_run_id')
RUN = re.compile(r'[\w .,:()/-]+')  # of characters that JSON and HTML write as they are
SHORTEST = 16  # characters: what is shorter may be found anywhere


@dataclass(frozen=True)
class Told:
    """What the bytes don't tell by a rule; '' or nothing where they do.

    :ivar failure: which of our sentences stands there
    :ivar steps: with an indent for each level
    :ivar line: what stands above them
    :ivar details: what tools were asked and said
    :ivar pictures: that the assistant has made
    :ivar suggests: what might be asked next, where the app does so
    :ivar is_stopped: by the person, as it was when it was recorded
    :ivar why: it is otherwise than the rules say
    """

    failure: str = ''
    steps: tuple[str, ...] = ()
    line: str = ''
    details: tuple[str, ...] = ()
    pictures: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    status: str = ''
    question: str = ''
    text: str = ''
    usage: str = ''
    suggests: bool = True
    is_stopped: bool = False
    why: str = ''


def expected(played: Recording, told: Told, *, attached: list[str]) -> Json:
    """The turn, as `description.js` reads it off the page.

    :param attached: names of the pictures that went along with the question
    """
    frames = played.frames[: played.pieces_before_stop if told.is_stopped else None]
    status = 'stopped' if told.is_stopped else told.status or _status(played)
    said = ''.join(frame.get('answer') or '' for frame in frames if frame.get('event') in TEXT)
    text = told.text or read(THOUGHT.sub('', said))
    is_kept, is_whole = status in {'complete', 'stopped'}, status == 'complete'
    return {
        'question': told.question or asked(played),
        'attached': attached,
        'status': status,
        'text': text,
        'thought': ''.join(thought.strip() for thought in THOUGHT.findall(said)),
        'isOpen': False,
        'line': told.line or _line(frames),
        'steps': [*told.steps] or _steps(frames),
        'details': [*told.details],
        'pictures': [*told.pictures],
        'sources': _sources(played),
        'error': WORDS[f'error.{told.failure}'] if told.failure else '',
        'notes': [WORDS['thread.stopped']] if status == 'stopped' else [*told.notes],
        'usage': told.usage or (_usage(played) if is_whole else ''),
        'actions': [
            'regenerate' if is_kept else 'retry',
            *(['copy'] if text else []),
            *(['speak'] if is_whole and played.app in SPEAKING else []),
            *(['like', 'dislike'] if is_kept else []),
        ],
    }


def suggested(played: Recording, told: Told, status: str) -> list[str]:
    """What might be asked next."""
    return NEXT if played.app in SUGGESTING and told.suggests and status == 'complete' else []


def asked(played: Recording) -> str:
    """What was asked; where that was no words, the name of the case."""
    query = played.question.get('query')
    return query if isinstance(query, str) and query.strip() and played.status < 400 else played.name


def read(markdown: str) -> str:
    """As somebody reads it: without marks, and blanks are blanks."""
    return ' '.join(MARKS.sub('', markdown).split())


def _status(played: Recording) -> str:
    if played.status >= 400 or played.of('error'):
        return 'failed'
    return 'complete' if _end(played) else 'interrupted'


def _end(played: Recording) -> Json:
    """What is said of the whole: by `message_end`, or with an answer in one piece."""
    return next((frame['metadata'] for frame in played.frames if 'metadata' in frame), {})


def _sources(played: Recording) -> list[str]:
    return [f'Source {row["position"]}: {row["document_name"]}' for row in _end(played).get('retriever_resources', [])]


def _usage(played: Recording) -> str:
    """Zeros, however they are written, mean that nobody has counted."""
    usage = _end(played).get('usage')
    if not usage or not usage['total_tokens']:
        return WORDS['usage.unknown']
    price = format(Decimal(usage['total_price']).normalize(), 'f')
    return f'{usage["total_tokens"]:,} tokens · ${price}'


def _steps(frames: list[Json]) -> list[str]:
    """Nodes of a workflow in the order in which they began, each once."""
    nodes: dict[str, str] = {}
    for frame in frames:
        node = frame.get('data', {})
        if frame.get('event') == 'node_started':
            nodes[node['id']] = f'{node["title"]}: {WORDS["thread.step_unfinished"]}'
        elif frame.get('event') == 'node_finished':
            state = WORDS[f'thread.step_{node["status"]}']
            span = f' · {node["elapsed_time"]:.1f} s' if node['elapsed_time'] >= NOTICED else ''
            nodes[node['id']] = f'{node["title"]}: {state}{span}'
    return [*nodes.values()]


def _line(frames: list[Json]) -> str:
    steps = _steps(frames)
    if not steps:
        return ''
    finished = [frame['data'] for frame in frames if frame.get('event') == 'workflow_finished']
    failed = sum(': failed' in step for step in steps)
    spans = [f'{run["elapsed_time"]:.1f} s' for run in finished]
    return ' · '.join([f'{len(steps)} steps', *spans, *([f'{failed} failed'] if failed else [])])


def kept_back(played: Recording, turns: list[Json]) -> set[str]:
    """What must not come to a browser: what upstream calls things, why it failed, what its nodes were given, and where
    it keeps files.
    """
    found = {KEY, *(value for frame in played.frames for name in IDS if (value := frame.get(name)))}
    for frame in played.frames:
        data = frame.get('data') or {}
        hidden = [frame.get('message') if 'code' in frame else '', data.get('error'), frame.get('url')]
        hidden += [data.get(name) for name in ('inputs', 'outputs', 'process_data', 'execution_metadata')]
        for leaf in _leaves(hidden):
            found |= {max(RUN.findall(leaf), key=len, default='')}
    public = ' '.join(str(turns).split())
    return {secret for secret in found if len(secret) >= SHORTEST and secret.strip() not in public}


def _leaves(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        value = [*value.values()]
    if isinstance(value, list):
        for item in value:
            yield from _leaves(item)
    elif isinstance(value, str):
        yield value
