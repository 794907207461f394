"""HTML of parsed blocks. Nothing here is trusted: the result still passes the allowlist."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import Any

from webapp.markdown import limits
from webapp.markdown.allowlist import is_own_file
from webapp.markdown.code import code_html, code_language
from webapp.markdown.formulas import formula_html
from webapp.markdown.links import file_name, find_addresses, host_note, link_tags
from webapp.markdown.parser import Event
from webapp.markdown.source import FORMULA, FORMULA_START, LESS_THAN, Source

Closing = str | Callable[[], str]  # what ends an element

_TAGS = {
    'Paragraph': ('<p>', '</p>'),
    'HtmlBlock': ('<p>', '</p>'),
    'BlockQuote': ('<blockquote>', '</blockquote>'),
    'Item': ('<li>', '</li>'),
    'Emphasis': ('<em>', '</em>'),
    'Strong': ('<strong>', '</strong>'),
    'Strikethrough': ('<del>', '</del>'),
    'FootnoteDefinition': ('<section class="footnotes"><ol><li>', '</li></ol></section>'),
}
_BREAK = re.compile(r'&lt;br ?/?&gt;', re.IGNORECASE)
_PARTS = {'Item', 'TableHead', 'TableRow', 'TableCell'}  # stand and fall with what they are part of
_INLINE = {'Emphasis', 'Strong', 'Strikethrough', 'Link', 'Image'}


def plain_html(text: str) -> str:
    """A block of plain text."""
    return f'<p class="plain">{escape(text, quote=False)}</p>'


@dataclass(slots=True)
class Footnote:
    number: int
    references: int = 0
    html: str = ''


class Writer:
    """Writes a message's blocks, one after the other.

    :param collect: footnotes are numbered and kept for `notes_html`; else each stays where it stands
    :param colours: how many characters of code may be coloured
    """

    def __init__(
        self, source: Source, *, scope: str = '', collect: bool = False, colours: int = limits.COLOURED
    ) -> None:
        self._source = source
        self._scope = scope
        self._collect = collect
        self.colours = colours
        self._notes: dict[str, Footnote] = {}
        self._out: list[str] = []
        self._closing: list[Closing] = []
        self._bare = False  # only words are written: too deep or too wide
        self._code: list[str] | None = None
        self._alt: list[str] | None = None  # the words of an image
        self._words: list[str] | None = None  # the words of a link
        self._alignments: tuple[str, ...] = ()
        self._column = 0
        self._in_head = False
        self._in_cell = False

    def html(self, events: list[Event]) -> str:
        """The HTML of one block, or of one part of it such as a list's item."""
        self._out = []
        for event in events:
            if isinstance(event, str):
                self._mark(event)
                continue
            ((kind, value),) = event.items()
            if kind == 'Text':
                self._text(value)
            elif kind == 'Start':
                self._start(value)
            elif kind == 'End':
                self._end()
            else:
                self._leaf(kind, value)
        return ''.join(self._out)

    def notes_html(self) -> str:
        """The footnotes collected so far, as the last block; '' for none."""
        if not self._notes:
            return ''
        notes = sorted(self._notes.values(), key=lambda note: note.number)
        return f'<section class="footnotes"><ol>{"".join(map(self._note_html, notes))}</ol></section>'

    def _start(self, tag: Any) -> None:
        kind, data = (tag, None) if isinstance(tag, str) else next(iter(tag.items()))
        self._closing.append(self._open(kind, data))

    def _end(self) -> None:
        closing = self._closing.pop()
        self._out.append(closing if isinstance(closing, str) else closing())

    def _open(self, kind: str, data: Any) -> Closing:
        if kind == 'FootnoteDefinition' and self._collect:
            return self._open_note(data)
        if self._bare or self._alt is not None:
            return '' if kind in _INLINE else ' '
        if kind not in _PARTS and self._is_too_much(kind, data):
            return self._open_bare(kind)
        return self._open_element(kind, data)

    def _open_element(self, kind: str, data: Any) -> Closing:
        match kind:
            case 'CodeBlock':
                return self._open_code(data)
            case 'Link' | 'Image':
                return self._open_link(kind, data)
            case 'TableCell':
                return self._open_cell()
        opening, closing = self._tags(kind, data)
        self._out.append(opening)
        return closing

    def _tags(self, kind: str, data: Any) -> tuple[str, str]:
        match kind:
            case 'Heading':
                level = data['level'].lower()
                return f'<{level}>', f'</{level}>'
            case 'List':
                first = '' if data in {None, 1} else f' start="{data}"'
                return ('<ul>', '</ul>') if data is None else (f'<ol{first}>', '</ol>')
            case 'Table':
                self._alignments = data
                return '<div class="table"><table>', '</tbody></table></div>'
            case 'TableHead':
                self._in_head, self._column = True, 0
                return '<thead><tr>', '</tr></thead><tbody>'
            case 'TableRow':
                self._in_head, self._column = False, 0
                return '<tr>', '</tr>'
        return _TAGS[kind]

    def _is_too_much(self, kind: str, data: Any) -> bool:
        return len(self._closing) >= limits.NESTING or (kind == 'Table' and len(data) > limits.COLUMNS)

    def _open_bare(self, kind: str) -> Closing:
        self._bare = True
        opening, closing = ('', '') if kind in _INLINE else ('<p class="plain">', '</p>')
        self._out.append(opening)

        def close() -> str:
            self._bare = False
            return closing

        return close

    def _open_cell(self) -> Closing:
        alignment = self._alignments[self._column]
        self._column += 1
        align = '' if alignment == 'None' else f' align="{alignment.lower()}"'
        tag = 'th' if self._in_head else 'td'
        self._out.append(f'<{tag}{align}>')
        self._in_cell = True

        def close() -> str:
            self._in_cell = False
            return f'</{tag}>'

        return close

    def _open_code(self, data: Any) -> Closing:
        language = code_language(self._source.restore(data['Fenced'])) if isinstance(data, dict) else ''
        code: list[str] = []
        self._code = code

        def close() -> str:
            self._code = None
            words = ''.join(code)
            coloured = len(words) <= self.colours
            self.colours -= len(words) if coloured else 0
            return code_html(words, language, coloured=coloured)

        return close

    def _open_link(self, kind: str, data: Any) -> Closing:
        address, title = self._source.restore(data['dest_url']), self._source.restore(data['title'])
        if is_own_file(address):
            return self._open_image(address, title) if kind == 'Image' else self._open_download(address)
        if data['link_type'] == 'Email':
            address = f'mailto:{address}'
        opening, closing = link_tags(address, title, picture=kind == 'Image')
        if not opening or self._words is not None:  # a picture in a link: its words are the link's
            return ''
        self._out.append(opening)
        words: list[str] = []
        self._words = words

        def close() -> str:
            self._words = None
            shown = ''.join(words)
            if kind == 'Image':
                return f'{"" if shown.strip() else escape(file_name(address))}{closing}'
            return f'{closing}{host_note(address, shown)}' if shown.strip() else f'{escape(address)}{closing}'

        return close

    def _open_image(self, address: str, title: str) -> Closing:
        words: list[str] = []
        self._alt = words
        tooltip = f' title="{escape(title)}"' if title else ''

        def close() -> str:
            self._alt = None
            if self._words is not None:
                self._words += words
            image = f'<img src="{escape(address)}" alt="{escape("".join(words))}"{tooltip}>'
            return image if self._words is not None else f'<a class="image" href="{escape(address)}">{image}</a>'

        return close

    def _open_download(self, address: str) -> Closing:
        if self._words is not None:
            return ''
        forced = f'{address}{"&" if "?" in address else "?"}download=1'
        self._out.append(f'<a class="download" href="{escape(forced)}">')
        words: list[str] = []
        self._words = words

        def close() -> str:
            self._words = None
            return f'{"" if "".join(words).strip() else escape(address)}</a>'

        return close

    def _open_note(self, name: str) -> Closing:
        outer, self._out = self._out, []

        def close() -> str:
            note = self._note(name)
            note.html = note.html or ''.join(self._out)
            self._out = outer
            return ''

        return close

    def _text(self, text: str) -> None:
        if self._code is not None:
            self._code.append(self._source.restore(text))
        elif self._alt is not None:
            self._alt.append(self._source.restore(text))
        elif self._words is not None:
            self._words.append(text)
            self._out.append(self._inline(text))
        elif '://' in text and not self._bare:
            self._out.append(self._linked(text))
        else:
            self._out.append(self._inline(text))

    def _leaf(self, kind: str, value: Any) -> None:
        match kind:
            case 'FootnoteReference' if not self._bare and self._alt is None:
                self._out.append(self._reference(value))
            case 'TaskListMarker' if not self._bare:
                self._out.append(f'<input type="checkbox" disabled{" checked" if value else ""}> ')
            case 'Code' if not self._bare and self._alt is None:
                words = self._source.restore(value)
                if self._words is not None:
                    self._words.append(words)
                self._out.append(f'<code>{escape(words, quote=False)}</code>')
            case _:
                self._text(str(value))

    def _mark(self, kind: str) -> None:
        if self._alt is not None:
            self._alt.append(' ')
        elif self._bare:
            self._out.append('\n')
        else:
            self._out.append('<hr>' if kind == 'Rule' else '<br>')

    def _inline(self, text: str) -> str:
        html = escape(text, quote=False).replace(LESS_THAN, '&lt;')
        if self._in_cell:  # where Markdown knows no other way to end a line
            html = _BREAK.sub('<br>', html)
        return FORMULA.sub(self._formula, html) if FORMULA_START in html else html

    def _formula(self, placeholder: re.Match[str]) -> str:
        number = int(placeholder[1])
        if number >= len(self._source.formulas):
            return ''
        formula = self._source.formulas[number]
        return escape(formula.source, quote=False) if self._bare else formula_html(formula)

    def _linked(self, text: str) -> str:
        pieces, place = [], 0
        for start, end in find_addresses(text):
            opening, closing = link_tags(text[start:end], '')
            note = host_note(text[start:end], text[start:end])
            pieces += [self._inline(text[place:start]), opening, self._inline(text[start:end]), closing, note]
            place = end
        return ''.join([*pieces, self._inline(text[place:])])

    def _note(self, name: str) -> Footnote:
        return self._notes.setdefault(name.casefold(), Footnote(len(self._notes) + 1))

    def _reference(self, name: str) -> str:
        if not self._collect:
            return f'<sup>{escape(self._source.restore(name))}</sup>'
        note = self._note(name)
        note.references += 1
        place = f'{self._scope}ref-{note.number}-{note.references}'
        return f'<sup><a id="{place}" href="#{self._scope}note-{note.number}">{note.number}</a></sup>'

    def _note_html(self, note: Footnote) -> str:
        back = f' <a href="#{self._scope}ref-{note.number}-1">↩</a>' if note.references else ''
        return f'<li id="{self._scope}note-{note.number}">{note.html}{back}</li>'
