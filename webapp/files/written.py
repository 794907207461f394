"""Upstream's files in what an assistant writes: pictures and links that lead to upstream, made to lead to us.

Upstream signs such addresses for minutes, and may call itself what nobody else can reach. So they are read where text
comes in: each becomes a file of the answer like any other that the assistant has made, and our address of it takes the
place of upstream's before anybody sees it. An address of somebody else stays what it is. What stands beside the answer,
thoughts, steps and sources, is no place for files: it is shown without upstream's signed addresses.

    ![Sales](http://api:5001/files/tools/6d…2a.png?timestamp=…&nonce=…&sign=…)    ![Sales](/files/0f…9c)
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from urllib.parse import urlsplit

from webapp.chat.events import (
    Event,
    Failed,
    FileAdded,
    Finished,
    FormChanged,
    Interrupted,
    Paused,
    ReasoningDelta,
    Repaired,
    Reported,
    StepChanged,
    Stopped,
    TextCompleted,
    TextDelta,
    TextReplaced,
)
from webapp.chat.message import Citation, FilePart, Part, Reply
from webapp.files.addresses import address, made_id
from webapp.files.links import is_internal
from webapp.upstream import records
from webapp.upstream.limits import MAX_FILES

LONGEST = 4_000  # characters of an address
WORDS = 300  # of a link, before its address
LEFT_OUT = '…'  # stands for an address that is not shown
UUID = '[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}'
UNFIT = r'\s()<>"\'\[\]|`'  # in no address that stands in Markdown
_SERVER = f'[Hh][Tt][Tt][Pp][Ss]?://[^{UNFIT}/]{{1,255}}'
_ORIGIN = rf'(?P<origin>{_SERVER}(?:/[\w.~-]{{1,100}}){{0,5}}?)?'
ADDRESS = re.compile(
    rf"""(?<![\w/.:-])(?P<open><)?{_ORIGIN}
    (?P<path>/files/(?:tools/(?P<tool>{UUID})(?P<extension>\.\w{{1,10}})?|(?P<upload>{UUID})/(?:file|image)-preview))
    (?P<query>\?(?:[\w=%+~-]|&(?:amp;)?)*)?(?P<close>>)?""",
    re.VERBOSE,
)
# The end of a text that may be the beginning of an address: of its scheme, its host and path, or of a path alone.
_SCHEME = f'h(?:t(?:t(?:p(?:s?(?::(?:/(?:/[^{UNFIT}]*)?)?)?)?)?)?)?'
_PATH = f'/(?:f(?:i(?:l(?:e(?:s(?:/[^{UNFIT}]*)?)?)?)?)?)?'
BEGUN = re.compile(rf'(?<![\w/.:-])<?(?:{_SCHEME}|{_PATH})?\Z', re.IGNORECASE)
ENDS = frozenset('htpsHTPS:<')  # of what may begin one, but for its slashes
# One that has broken off, and can become a signed address: within the path, or short of it, right after its server.
_HALF_ID = r'(?:[0-9A-Fa-f]{8}-|[0-9A-Fa-f]{0,8}\Z)'
HALF = re.compile(rf'<?{_ORIGIN}/files/(?:(?:tools/)?{_HALF_ID}|t(?:o(?:o(?:ls?)?)?)?\Z)')
HALF_SERVER = re.compile(rf'<?(?P<origin>{_SERVER})/(?:f(?:i(?:l(?:es?)?)?)?)?\Z')
LINK = re.compile(r'(!?)\[([^\[\]\n]*)\]\(<?\Z')  # what stands before the address of one
ONLY_ADDRESS = re.compile(r'(?:\]\(<?|\]:[ \t]*<?|["\'=`])\Z')  # before an address that is no text by itself
OWN = r'/files/[0-9a-f]{32}(?![0-9A-Za-z_-])'
OWN_ADDRESS = re.compile(rf'(\]\(|\]:[ \t]*)({OWN})')
OWN_LINK = re.compile(rf'!?\[([^\[\]\n]*)\]\({OWN}[^()\n]*\)')
PICTURE = re.compile(r'!\[[^\[\]\n]*\]\([^()\n]*\)')  # as upstream's history lacks them


def key(url: str) -> str:
    """What stays the same of a signed address of upstream's however often it is signed; '' if it is none."""
    return next((_id(found) for found in _signed(url)), '')


def without_addresses(text: str) -> str:
    """A text with the words of links to our files alone, for those who could not follow them."""
    return OWN_LINK.sub(r'\1', text) if '/files/' in text else text


def with_addresses_of(text: str, site: str) -> str:
    """A text whose links to our files say where we are, for other places than our pages."""
    return OWN_ADDRESS.sub(lambda found: f'{found[1]}{site}{found[2]}', text) if '/files/' in text else text


def with_pictures(event: Event, heard: Reply) -> Event:
    """The event, the pictures that we have heard of in it if it tells a whole: upstream's history lacks them."""
    if isinstance(event, TextCompleted | Repaired):
        return replace(event, text=_with_pictures(heard.text, event.text))
    return event


def _with_pictures(ours: str, theirs: str) -> str:
    bare = PICTURE.sub('', ours).strip()
    if bare == ours.strip() or not theirs.startswith(bare):
        return theirs
    return ours.rstrip() + theirs[len(bare) :]


class Written:
    """One answer's text on its way in. Feed it all events, and take what comes out in their place.

    :param base_url: of the app's Service API
    :param parts: of the answer, as far as it is known
    """

    def __init__(self, message_id: str, base_url: str, parts: Iterable[Part] = ()) -> None:
        self._message_id = message_id
        self._host = urlsplit(base_url).hostname or ''
        self._files = {key(part.url): part for part in parts if isinstance(part, FilePart) and key(part.url)}
        self._text = _Growing()
        self._reasoning = _Growing()

    def feed(self, event: Event) -> list[Event]:
        """The event, its addresses ours, behind news of the files that stand in it."""
        if isinstance(event, ReasoningDelta):
            return self._thought(self._reasoning.grow(event.text))
        if not self._reasoning.held:
            return self._fed(event)
        is_cut = isinstance(event, Stopped | Failed | Interrupted)
        return [*self._thought(self._end(self._reasoning, is_cut=is_cut)), *self._fed(event)]

    def _fed(self, event: Event) -> list[Event]:  # noqa: PLR0911  one case for each kind of event
        match event:
            case TextDelta():
                return self._said(self._text.grow(event.text))
            case TextReplaced() | TextCompleted() | Repaired():
                # what is held goes with a text that is withdrawn; a whole that is no more than a part replaces nothing
                rest = [] if isinstance(event, TextReplaced) else self._rest()
                text, files = self._ours(event.text)
                self._text = _Growing(before=text[-WORDS:])
                return [*rest, *files, replace(event, text=text)]
            case FormChanged(form):
                content, asked = self._ours(form.content)
                answer, told = self._ours(form.answer)
                changed = replace(form, content=content, answer=answer)
                return [*self._rest(), *asked, *told, FormChanged(changed)]
            case FileAdded(file):
                return [FileAdded(self._known(file))]
            case Reported(files=files, citations=citations) if files or citations:
                known, bare = tuple(map(self._known, files)), tuple(map(self._bare, citations))
                return [replace(event, files=known, citations=bare)]
            case StepChanged(step):
                bare_step = replace(step, input=self._without(step.input), output=self._without(step.output))
                return [StepChanged(bare_step)]
            case Finished() | Paused():
                return [*self._rest(), event]
            case Stopped() | Failed() | Interrupted():
                return [*self._rest(is_cut=True), event]
        return [event]

    def _rest(self, *, is_cut: bool = False) -> list[Event]:
        return self._said(self._end(self._text, is_cut=is_cut))

    def _end(self, growing: '_Growing', *, is_cut: bool) -> str:
        """What is still held at the end of a text.

        :param is_cut: it has not come to its own end: half an address of ours is nobody's word
        """
        text, growing.held = growing.held, ''
        return '' if is_cut and self._is_half(text) else text

    def _said(self, text: str) -> list[Event]:
        if not text:
            return []
        text, files = self._ours(text, self._text.before)
        self._text.note(text)
        return [*files, TextDelta(text)]

    def _thought(self, text: str) -> list[Event]:
        if not text:
            return []
        text = self._without(text, self._reasoning.before)
        self._reasoning.note(text)
        return [ReasoningDelta(text)]

    def _ours(self, text: str, before: str = '') -> tuple[str, list[Event]]:
        """A text with our addresses in it, and the files that they lead to, as far as these are news."""
        files: list[Event] = []

        def ours(found: re.Match[str], place: str) -> str | None:
            file = self._file(found, place)
            if file is None:
                return None
            if file.url and self._files.get(key(file.url)) is not file:
                self._files[key(file.url)] = file
                files.append(FileAdded(file))
            return self._in_place(found, place, file)

        return _replaced(text, before, ours), files

    def _without(self, text: str, before: str = '') -> str:
        """A text without what would give a file of upstream's to everybody."""

        def left_out(found: re.Match[str], _: str) -> str | None:
            is_theirs = 'sign=' in (found['query'] or '') and self._is_ours(found['origin'])
            return f'{found["open"] or ""}{LEFT_OUT}{found["close"] or ""}' if is_theirs else None

        return _replaced(text, before, left_out)

    def _bare(self, citation: Citation) -> Citation:
        url = citation.url if self._without(citation.url) == citation.url else ''
        return replace(citation, content=self._without(citation.content), url=url)

    def _file(self, found: re.Match[str], place: str) -> FilePart | None:
        """The file that an address leads to; None if it is not upstream's, or nobody could get it."""
        if not self._is_ours(found['origin']):
            return None
        known = self._files.get(_id(found))
        if known is not None or 'sign=' not in (found['query'] or '') or len(self._files) >= MAX_FILES:
            return known
        link = LINK.search(place)
        is_picture, words = bool(link and link[1]), link[2].strip() if link else ''
        name = _named(words, (found['extension'] or '').lower()) or ('picture' if is_picture else 'file')
        kind = records.file_type(name)
        url = _path(found)
        return FilePart(key(url), 'image' if is_picture else kind, name, url=url, is_written=True)

    def _in_place(self, found: re.Match[str], place: str, file: FilePart) -> str:
        ours = address(made_id(self._message_id, file))
        words = ours if ONLY_ADDRESS.search(place) else f'[{file.name}]({ours})'
        if found['open'] and found['close']:
            return words
        return f'{found["open"] or ""}{words}{found["close"] or ""}'

    def _known(self, file: FilePart) -> FilePart:
        """A file that upstream names by itself. If it stands in the text, too, it is that one."""
        found = key(file.url)
        if not found:
            return file
        known = self._files.get(found)
        self._files[found] = replace(file, id=known.id) if known else file
        return self._files[found]

    def _is_half(self, text: str) -> bool:
        found = HALF.match(text) or HALF_SERVER.match(text)
        is_told = 'sign=' in text or key(text) in self._files
        return found is not None and not is_told and self._is_ours(found['origin'])

    def _is_ours(self, origin: str | None) -> bool:
        """Whether an address leads to upstream: to where we find it, or to what it calls itself within its network."""
        if origin is None:
            return True
        try:
            host = urlsplit(origin).hostname or ''
        except ValueError:
            return False
        return host == self._host or is_internal(host)


class _Growing:
    """A text that comes in pieces, the end of which may turn out to be the beginning of an address."""

    def __init__(self, before: str = '') -> None:
        self.held = ''
        self.before = before  # the end of what came before it

    def grow(self, more: str) -> str:
        """What can be said now."""
        if not self.held and '/' not in more and more[-1:] not in ENDS:  # nearly all are like that
            return more
        text = self.held + more
        begun = BEGUN.search(text, max(0, len(text) - LONGEST))
        at = begun.start() if begun else len(text)
        self.held = text[at:]
        return text[:at]

    def note(self, said: str) -> None:
        self.before = (self.before + said)[-WORDS:]


def _replaced(text: str, before: str, in_place: Callable[[re.Match[str], str], str | None]) -> str:
    """A text with other words in place of signed addresses.

    :param in_place: told of each address and what stands before it; None leaves it
    """
    pieces: list[str] = []
    whole, end = before + text, len(before)
    for found in _signed(whole, end):
        words = in_place(found, whole[max(0, found.start() - WORDS) : found.start()])
        if words is not None:
            pieces += [whole[end : found.start()], words]
            end = found.end()
    return ''.join([*pieces, whole[end:]])


def _signed(text: str, start: int = 0) -> Iterator[re.Match[str]]:
    """The addresses in a text that have the form of signed ones. What is longer than one can be is none."""
    if text.find('/files/', start) >= 0:
        yield from (found for found in ADDRESS.finditer(text, start) if len(found[0]) <= LONGEST)


def _id(found: re.Match[str]) -> str:
    return (found['tool'] or found['upload']).lower()


def _path(found: re.Match[str]) -> str:
    """An address without what its server calls itself, as it is fetched."""
    return found['path'] + (found['query'] or '').replace('&amp;', '&')


def _named(words: str, extension: str) -> str:
    """A name from the words of a link; '' if they are none."""
    if not words or '/' in words:
        return ''
    has_one = records.file_type(words) != 'custom' or words.lower().endswith(extension)
    return records.file_name(words if has_one else f'{words}{extension}')
