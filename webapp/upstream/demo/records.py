"""What the demo remembers, in SQLite: in a file, so that it survives a restart, or in memory.

Statements run on the event loop: each takes some ten microseconds, less than a thread's hand-over.
"""

import sqlite3
import typing
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

import orjson

Json = dict[str, Any]


@dataclass(slots=True)
class Conversation:
    table: ClassVar = 'conversations'
    id: str
    user: str
    name: str
    inputs: Json
    introduction: str
    created_at: int  # epoch seconds, here and below
    updated_at: int


@dataclass(slots=True)
class Message:
    """One turn: the person's query and the assistant's answer."""

    table: ClassVar = 'messages'
    id: str
    conversation_id: str
    user: str
    inputs: Json
    query: str
    created_at: int
    answer: str = ''
    status: str = 'normal'  # or 'error'
    error: str | None = None
    rating: str | None = None
    comment: str | None = None
    rated_at: int | None = None
    files: list[Json] = field(default_factory=list)
    resources: list[Json] = field(default_factory=list)
    thoughts: list[Json] = field(default_factory=list)
    usage: Json = field(default_factory=dict)


@dataclass(slots=True)
class File:
    table: ClassVar = 'files'
    id: str
    user: str
    name: str
    size: int  # bytes
    extension: str  # without the dot
    mime_type: str
    created_at: int
    used: bool = False  # in a message; a preview is refused before


@dataclass(slots=True)
class Run:
    """One execution of a workflow."""

    table: ClassVar = 'runs'
    id: str
    user: str
    message_id: str
    task_id: str
    inputs: Json
    created_at: int
    status: str = 'running'
    outputs: Json = field(default_factory=dict)
    error: str | None = None
    steps: int = 0
    tokens: int = 0
    elapsed: float = 0.0  # seconds
    finished_at: int | None = None


@dataclass(slots=True)
class Form:
    """A workflow's question to a person. Its id is the token that answers it."""

    table: ClassVar = 'forms'
    id: str
    run_id: str
    message_id: str
    node: Json  # the paused node's execution id, node id and title
    definition: Json
    expires_at: int
    submission: Json = field(default_factory=dict)  # empty while open


R = TypeVar('R', Conversation, Message, File, Run, Form)


class Table(Generic[R]):
    """Rows of one dataclass, one column per field; dicts and lists as JSON text."""

    def __init__(self, db: sqlite3.Connection, row: type[R]) -> None:
        self._db, self._name = db, row.table
        self._row: type[R] = row
        types = typing.get_type_hints(row)
        self._columns = [f.name for f in fields(row)]
        self._json = {name for name in self._columns if typing.get_origin(types[name]) in {dict, list}}
        self._flags = {name for name in self._columns if types[name] is bool}
        db.execute(f'CREATE TABLE IF NOT EXISTS {self._name} ({", ".join(self._columns)}, PRIMARY KEY (id))')
        known = {column[1] for column in db.execute(f'PRAGMA table_info({self._name})')}
        for name in self._columns:  # a file of an older version; new columns stand last
            if name not in known:
                db.execute(f"ALTER TABLE {self._name} ADD COLUMN {name} DEFAULT '{{}}'")

    def put(self, row: R) -> None:
        """Insert, or replace the row of that id in its place."""
        values = [orjson.dumps(v).decode() if k in self._json else v for k, v in asdict(row).items()]
        marks = ', '.join('?' * len(values))
        changes = ', '.join(f'{name} = excluded.{name}' for name in self._columns[1:])
        self._db.execute(
            f'INSERT INTO {self._name} VALUES ({marks}) ON CONFLICT (id) DO UPDATE SET {changes}',  # noqa: S608
            values,
        )

    def get(self, id: str) -> R | None:
        rows = self.find('id = ?', id)
        return rows[0] if rows else None

    def find(self, where: str, *values: object) -> list[R]:
        """Rows by a condition of ours, values always bound; in the order they were made unless it says another."""
        order = '' if 'ORDER BY' in where else ' ORDER BY rowid'
        found = self._db.execute(f'SELECT * FROM {self._name} WHERE {where}{order}', values)  # noqa: S608
        return [self._row(**{k: self._load(k, v) for k, v in zip(self._columns, row, strict=True)}) for row in found]

    def count(self, where: str, *values: object) -> int:
        row = self._db.execute(f'SELECT count(*) FROM {self._name} WHERE {where}', values).fetchone()  # noqa: S608
        return int(row[0])

    def delete(self, where: str, *values: object) -> None:
        self._db.execute(f'DELETE FROM {self._name} WHERE {where}', values)  # noqa: S608

    def _load(self, name: str, value: Any) -> Any:
        if name in self._json:
            return orjson.loads(value)
        return bool(value) if name in self._flags else value


class Records:
    def __init__(self, path: Path | None) -> None:
        """:param path: the database file, made if need be; None keeps everything in memory"""
        if path:
            path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path or ':memory:', isolation_level=None, check_same_thread=False)
        self._db.execute('PRAGMA journal_mode = WAL')
        self._db.execute('PRAGMA synchronous = NORMAL')
        self._db.execute('CREATE TABLE IF NOT EXISTS contents (id PRIMARY KEY, bytes)')
        self.conversations = Table(self._db, Conversation)
        self.messages = Table(self._db, Message)
        self.files = Table(self._db, File)
        self.runs = Table(self._db, Run)
        self.forms = Table(self._db, Form)
        for table, columns in (('conversations', 'user, updated_at'), ('messages', 'conversation_id, created_at')):
            self._db.execute(f'CREATE INDEX IF NOT EXISTS {table}_list ON {table} ({columns})')

    def close(self) -> None:
        self._db.close()

    def conversation(self, id: str, user: str) -> Conversation | None:
        found = self.conversations.find('id = ? AND user = ?', id, user)
        return found[0] if found else None

    def message(self, id: str, user: str) -> Message | None:
        found = self.messages.find('id = ? AND user = ?', id, user)
        return found[0] if found else None

    def turns(self, conversation_id: str) -> list[Message]:
        return self.messages.find('conversation_id = ?', conversation_id)

    def keep(self, file: File, content: bytes) -> None:
        self.files.put(file)
        self._db.execute('INSERT OR REPLACE INTO contents VALUES (?, ?)', (file.id, content))

    def content(self, file_id: str) -> bytes:
        row = self._db.execute('SELECT bytes FROM contents WHERE id = ?', (file_id,)).fetchone()
        return bytes(row[0]) if row else b''
