"""Scenario words: what a query may ask of the demo itself. One vocabulary for people, tests and load runs.

Words stand at the start of a query and combine: `/rate 500 /cut 20 /long 4000`. What is left is the question.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from webapp.upstream import transcript

MOST_TOKENS = 200_000
MOST_SECONDS = 3600.0
MOST_PER_SECOND = 100_000.0
DAY = 86_400.0  # seconds


@dataclass(frozen=True, slots=True)
class Scenario:
    """How one query is to be answered. The defaults are those of an ordinary question."""

    text: str = ''  # what follows the words: the question, or the text to echo
    mode: str = 'chat'  # whose dialect: 'chat', 'agent-chat', 'advanced-chat'
    content: str = 'handbook'  # or 'echo', 'long', 'code', 'table', 'list', 'markdown', 'cite', 'inputs'
    size: int = 1000  # tokens, of the contents that have a size; sources of 'cite'
    rate: float | None = None  # tokens per second, 0 for as fast as possible; None is the server's own
    slow: float = 0.0  # seconds before the first token
    silent: float = 0.0  # seconds of nothing but pings, in the middle
    cut: int | None = None  # tokens after which the socket is closed without an end
    failure: str = ''  # a name of FAILURES: the answer breaks off with an error event
    refusal: str = ''  # a name of REFUSALS: an HTTP error instead of a stream
    title: str = ''  # 'blank': an empty title; 'fail': no title can be made
    think: bool = False  # begins with reasoning in <think> tags
    replace: bool = False  # withdrawn in the middle by moderation
    image: bool = False  # the assistant makes a picture
    figure: str = (
        ''  # a picture and a document stand in its text; 'plain', 'internal' or 'relative' are their addresses
    )
    human: bool = False  # asks a person and waits
    expires: float = DAY  # seconds for which a person is waited for
    elsewhere: float | None = None  # seconds until somebody answers who is not in the chat; None: it is for those here
    twice: bool = False  # asks a person once more
    proof: bool = False  # asks a person for a file, too
    mislabelled: bool = False  # text in events that should be of files, as 1.12.1 has it for questions with images
    scripted: bool = False  # by the demo itself, even where it relays to a model
    garbage: bool = False  # broken frames among the good ones
    no_usage: bool = False  # reports zeros
    no_end: bool = False  # a chatflow without message_end, as 1.13.0 had it
    hang: bool = False  # stays open after its end

    @property
    def is_plain(self) -> bool:
        """Whether no word at all stood before the question."""
        return self == Scenario(self.text)


@dataclass(frozen=True, slots=True)
class Refusal:
    """An HTTP error. Without a code it is a proxy's page instead of Dify's JSON."""

    status: int
    code: str
    message: str


# Text of a real server's refusals; most are 400 whatever the documentation says.
REFUSALS: Mapping[str, Refusal] = {
    '401': Refusal(401, 'unauthorized', 'Access token is invalid'),
    '403': Refusal(403, 'forbidden', "The app's API service has been disabled."),
    '404': Refusal(404, 'not_found', 'Conversation Not Exists.'),
    '429': Refusal(429, 'too_many_requests', 'Too many requests. Please try again later.'),
    '500': Refusal(
        500,
        'internal_server_error',
        'The server encountered an internal error and was unable to complete your request. Either the server is '
        'overloaded or there is an error in the application.',
    ),
    '502': Refusal(502, '', 'Bad Gateway'),
    '504': Refusal(504, '', 'Gateway Time-out'),
    'busy': Refusal(400, 'invalid_param', 'Too many requests. Please try again later.'),
    'completed': Refusal(400, 'conversation_completed', 'The conversation has ended. Please start a new conversation.'),
    'credentials': Refusal(400, 'provider_not_initialize', 'Model demo credentials is not initialized.'),
    'model': Refusal(400, 'model_currently_not_support', 'Dify Hosted OpenAI trial currently not support the model.'),
    'quota': Refusal(
        400,
        'provider_quota_exceeded',
        'Your quota for Dify Hosted OpenAI has been exhausted. Please go to Settings -> Model Provider to complete '
        'your own provider credentials.',
    ),
    'ratelimit': Refusal(429, 'rate_limit_error', 'Rate Limit Error'),
    'unavailable': Refusal(400, 'app_unavailable', 'App unavailable, please check your app configurations.'),
}
# Errors within a stream: the HTTP status is 200 by then. Newer servers have a bare form, without a code.
FAILURES: Mapping[str, Refusal] = {
    'stream': Refusal(400, 'completion_request_error', 'Rate limit reached for requests'),
    'first': Refusal(400, 'completion_request_error', 'Rate limit reached for requests'),  # before any text
    'bare': Refusal(500, '', 'Invalid upload file'),
}


@dataclass(frozen=True, slots=True)
class Word:
    argument: str  # as shown to people; '' takes none
    pattern: str  # what counts as its argument
    fields: Callable[[str], dict[str, Any]]  # the argument, '' if left out, to fields of the scenario
    does: str


def _flag(**fields: Any) -> Callable[[str], dict[str, Any]]:
    return lambda _: fields


def _sized(content: str) -> Callable[[str], dict[str, Any]]:
    return lambda text: {'content': content} | ({'size': _count(text)} if text else {})


def _seconds(name: str, default: float) -> Callable[[str], dict[str, Any]]:
    return lambda text: {name: min(float(text), MOST_SECONDS) if text else default}


def _error(name: str) -> dict[str, Any]:
    return {'refusal': name} if name in REFUSALS else {'failure': name or 'stream'}


def _count(text: str) -> int:
    return min(int(float(text)), MOST_TOKENS)


ASKS = {'mode': 'advanced-chat', 'human': True}
NUMBER = r'\d{1,9}(?:\.\d{1,9})?'
WORDS: Mapping[str, Word] = {
    'long': Word('N', NUMBER, _sized('long'), 'N tokens of varied Markdown: headings, lists, code, tables'),
    'code': Word('N', NUMBER, _sized('code'), 'one fenced block of N tokens'),
    'table': Word('N', NUMBER, _sized('table'), 'one table of N tokens'),
    'list': Word('N', NUMBER, _sized('list'), 'one list of N tokens'),
    'markdown': Word('', '', _flag(content='markdown'), 'a showcase of everything an answer can contain'),
    'cite': Word(
        'N', r'\d{1,2}', lambda text: {'content': 'cite', 'size': int(text or '4')},
        'an answer that rests on N sources (4), with scores, one with a link',
    ),
    'inputs': Word('', '', _flag(content='inputs'), 'lists the values of the form that came with the question'),
    'handbook': Word('', '', _flag(scripted=True), 'looks the answer up in this handbook, though a model answers here'),
    'echo': Word('TEXT', r'[\s\S]+', lambda text: {'content': 'echo', 'text': text}, 'answers exactly TEXT'),
    'rate': Word(
        'R', NUMBER, lambda text: {'rate': min(float(text), MOST_PER_SECOND) if text else None},
        'R tokens a second; 0 is as fast as possible',
    ),
    'slow': Word('S', NUMBER, _seconds('slow', 3.0), 'the first token comes after S seconds (3)'),
    'silent': Word('S', NUMBER, _seconds('silent', 30.0), 'nothing but pings for S seconds (30), in the middle'),
    'cut': Word('N', NUMBER, lambda text: {'cut': _count(text or '12')}, 'the socket is closed after N tokens (12)'),
    'error': Word(
        'CODE', '|'.join(sorted({*REFUSALS, *FAILURES}, key=len, reverse=True)), _error,
        'an error event after some text; with a CODE an HTTP error instead',
    ),
    'html504': Word('', '', _flag(refusal='504'), "a proxy's HTML page instead of an answer"),
    'replace': Word('', '', _flag(replace=True), 'the answer is withdrawn in the middle and begins anew'),
    'think': Word('', '', _flag(think=True), 'the answer begins with reasoning in think tags'),
    'agent': Word('', '', _flag(mode='agent-chat'), "an agent's thoughts and a tool call"),
    'newagent': Word('', '', _flag(mode='agent'), 'the same from an agent of the newer kind, which thinks aloud'),
    'steps': Word('', '', _flag(mode='advanced-chat'), "a chatflow's nodes, some within others, then the answer"),
    'human': Word(
        'S', NUMBER, lambda text: ASKS | ({'expires': float(text)} if text else {}),
        'a chatflow that asks a person and waits, for S seconds (a day)',
    ),
    'twice': Word('', '', lambda _: ASKS | {'twice': True}, 'a chatflow that asks a person twice'),
    'proof': Word('', '', lambda _: ASKS | {'proof': True}, 'a chatflow that asks a person for a file'),
    'elsewhere': Word(
        'S', NUMBER, lambda text: ASKS | {'elsewhere': float(text or '20')},
        'the same, but it asks somebody else, who approves after S seconds (20)',
    ),
    'figure': Word(
        'internal|relative', 'internal|relative', lambda text: {'mode': 'advanced-chat', 'figure': text or 'plain'},
        'a chatflow with a picture and a table for download in its text; their addresses may be of a name that only '
        'Dify knows, or of none',
    ),
    'image': Word('', '', _flag(mode='agent-chat', image=True), 'the assistant makes a picture'),
    'filetext': Word(
        '', '', _flag(mislabelled=True), 'text arrives in events of files, as Dify 1.12 does with images'
    ),
    'garbage': Word('', '', _flag(garbage=True), 'broken frames among the good ones'),
    'usage0': Word('', '', _flag(no_usage=True), 'all token counts and prices are zero'),
    'hang': Word('', '', _flag(hang=True), 'the stream stays open after its end'),
    'noend': Word('', '', _flag(mode='advanced-chat', no_end=True), 'a chatflow without message_end'),
    'title': Word(
        'blank|fail', 'blank|fail', lambda text: {'title': text or 'blank'}, 'the generated title is empty, or fails'
    ),
}  # fmt: skip


def parse(query: str, *, mode: str = 'chat') -> Scenario:
    """Read the words at the start of `query`. What does not fit a word's argument belongs to the question.

    A transcript before it is not what is asked: any model sees that.

    :param mode: the kind of app that is asked, where no word is of another one
    """
    scenario, rest = Scenario(mode=mode), transcript.question(query).lstrip()
    while (found := _word(rest)) is not None:
        fields, rest = found
        scenario = replace(scenario, **fields)
        if scenario.content == 'echo':
            return scenario
    return replace(scenario, text=rest.strip())


def unknown_word(query: str) -> str:
    """The first word of `query` if it looks like a scenario word but is none, else ''."""
    found = re.match(r'/([a-z]\w*)(?=\s|$)', query.strip())
    return found[1] if found and found[1] not in WORDS else ''


def _word(text: str) -> tuple[dict[str, Any], str] | None:
    found = re.match(r'/([a-z]\w*)(?=\s|$)', text)
    if not found or found[1] not in WORDS:
        return None
    word, rest = WORDS[found[1]], text[found.end() :]
    argument = re.match(rf'\s({word.pattern})(?=\s|$)', rest) if word.pattern else None
    value = argument[1] if argument else ''
    return word.fields(value), rest[argument.end() :].lstrip() if argument else rest.lstrip()
