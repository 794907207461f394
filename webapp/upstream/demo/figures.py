"""Files that stand in the text of a chatflow's answer, as its answer node writes what a tool has made."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from webapp.upstream.demo import pictures
from webapp.upstream.demo.attachments import kind, row
from webapp.upstream.demo.records import File
from webapp.upstream.demo.state import TENANT_ID, Demo
from webapp.upstream.demo.turn import Turn

INTERNAL = 'http://api:5001'  # what a server calls itself in its own network
IMAGE = re.compile(r'!\[.*?\]\(.*?\)')
NUMBERS = 'month,amount\nJanuary,12\nFebruary,19\nMarch,31\n'


@dataclass(frozen=True, slots=True)
class Figure:
    file: File
    url: str

    @property
    def markdown(self) -> str:
        return f'{"!" if self.file.mime_type.startswith("image/") else ""}[{self.file.name}]({self.url})'

    @property
    def as_output(self) -> dict[str, Any]:
        """As `message_end` and the outcome of a run have it."""
        return {
            'dify_model_identity': '__dify__file__',
            'id': None,
            'tenant_id': TENANT_ID,
            'type': kind(self.file.extension),
            'transfer_method': 'tool_file',
            'remote_url': self.url,
            'related_id': self.file.id,
            'filename': self.file.name,
            'extension': f'.{self.file.extension}',
            'mime_type': self.file.mime_type,
            'size': self.file.size,
            'url': self.url,
        }


def make(turn: Turn, demo: Demo) -> list[Figure]:
    """A picture and a table, on record as files of the answer."""
    base = {'plain': turn.base_url, 'internal': INTERNAL, 'relative': ''}[turn.scenario.figure]
    user, wanted = turn.message.user, turn.scenario.text
    chart = pictures.keep(demo.records, 'chart.png', 'image/png', pictures.png(wanted), user)
    table = pictures.keep(demo.records, 'numbers.csv', 'text/csv', NUMBERS.encode(), user)
    turn.made += [row(chart, 'assistant'), row(table, 'assistant')]
    return [Figure(file, base + demo.tool_url(file.id, file.extension)) for file in (chart, table)]


def text(made: Sequence[Figure]) -> str:
    """What the answer says of them; nothing if there are none."""
    if not made:
        return ''
    chart, table = made
    return f'\n\nThis is how it looks:\n\n{chart.markdown}\n\nThe numbers are in {table.markdown}, for your own use.'


def saved(answer: str) -> str:
    """An answer as history keeps it: files are put on record beside it, and pictures are taken out."""
    return IMAGE.sub('', answer).strip()
