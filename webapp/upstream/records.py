"""What the Service API keeps besides messages: conversations, runs, files."""

import re
from dataclasses import dataclass
from pathlib import PurePath
from typing import Generic, TypeVar

from webapp.upstream.payload import Payload, clean_text, count, mapping, name, text
from webapp.upstream.thinking import visible

T = TypeVar('T')

MAX_FILE_NAME = 200  # characters; Dify cuts what is longer
UNFIT_IN_NAMES = str.maketrans(dict.fromkeys('/\\:*?"<>|', '_'))
EXTENSIONS = {
    'image': {'jpg', 'jpeg', 'png', 'webp', 'gif', 'svg'},
    'audio': {'mp3', 'm4a', 'wav', 'amr', 'mpga'},
    'video': {'mp4', 'mov', 'mpeg', 'webm'},
    'document': {
        'txt', 'markdown', 'md', 'mdx', 'pdf', 'html', 'htm', 'xlsx', 'xls', 'docx', 'csv', 'vtt', 'properties', 'doc',
        'eml', 'msg', 'pptx', 'ppt', 'xml', 'epub',
    },
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    items: tuple[T, ...]
    has_more: bool


@dataclass(frozen=True, slots=True)
class Conversation:
    id: str
    name: str  # may be blank: no title could be made


@dataclass(frozen=True, slots=True)
class Run:
    """How a workflow's run stands or has ended."""

    status: str  # 'running', 'succeeded', 'failed', 'stopped', 'partial-succeeded', 'paused'
    answer: str  # what was said, without reasoning; '' while there is none
    total_tokens: int | None


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """A file in Dify's hands. It can be fetched again only after a message has used it."""

    id: str


@dataclass(frozen=True, slots=True)
class FileRef:
    """A file that goes along with a message: one uploaded before by the same user, or a public address."""

    type: str  # 'image', 'document', 'audio', 'video', 'custom'
    upload_file_id: str = ''
    url: str = ''

    def as_json(self) -> dict[str, str]:
        if self.upload_file_id:
            return {'type': self.type, 'transfer_method': 'local_file', 'upload_file_id': self.upload_file_id}
        return {'type': self.type, 'transfer_method': 'remote_url', 'url': self.url}


def conversation(row: Payload) -> Conversation:
    return Conversation(id=name(row, 'id'), name=name(row, 'name').strip())


def uploaded_file(row: Payload) -> UploadedFile:
    return UploadedFile(id=name(row, 'id'))


def run(body: Payload) -> Run:
    """The outputs are an object, or JSON text of one, by version."""
    return Run(
        status=name(body, 'status'),
        answer=visible(text(mapping(body, 'outputs'), 'answer')),
        total_tokens=count(body, 'total_tokens') or None,
    )


def file_type(file_name: str) -> str:
    """Dify's kind of file, which goes by the extension alone."""
    extension = PurePath(file_name).suffix.lower().removeprefix('.')
    return next((type_ for type_, extensions in EXTENSIONS.items() if extension in extensions), 'custom')


def file_name(text: str) -> str:
    """A name that Dify takes: no path, no reserved characters, extension kept when it is cut."""
    last = clean_text(text).replace('\\', '/').rpartition('/')[2]
    printable = ''.join(c if c.isprintable() else '_' for c in last).translate(UNFIT_IN_NAMES).strip(' .')
    suffix = PurePath(printable).suffix[:20]
    return printable.removesuffix(suffix)[: MAX_FILE_NAME - len(suffix)] + suffix or 'file'


def media_type(text: str) -> str:
    """A media type that fits into a header; what is none is called bytes."""
    kind = text.partition(';')[0].strip().lower()
    return kind if re.fullmatch(r'[\w.+-]{1,100}/[\w.+-]{1,100}', kind, re.ASCII) else 'application/octet-stream'
