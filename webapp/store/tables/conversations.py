"""What people and assistants say, with files and ratings."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, ForeignKey, Index, LargeBinary, Text, UniqueConstraint, text
from sqlmodel import Field

from webapp import clock
from webapp.store.tables.base import Moment, Table, only_where, owner

# as queries say it on each database, which else don't see that the index is theirs
IS_KEPT: dict[str, Any] = {'sqlite_where': text('is_kept IS 1'), 'postgresql_where': text('is_kept IS true')}
IS_CHOSEN: dict[str, Any] = {'sqlite_where': text('is_chosen IS 1'), 'postgresql_where': text('is_chosen IS true')}
IS_SHOWN: dict[str, Any] = {'sqlite_where': text('is_shown IS 1'), 'postgresql_where': text('is_shown IS true')}


class ConversationRow(Table, table=True):
    """`folded_title` is what search compares: neither database folds case alike beyond ASCII."""

    __tablename__ = 'conversations'
    __table_args__ = (
        Index(None, 'user_id', 'app', 'updated_at', 'id'),  # read backwards: newest first
        Index(None, 'updated_at', 'id'),  # what is old enough to go
        Index('ix_conversations_title_due_at', 'title_due_at', **only_where('title_due_at IS NOT NULL')),
    )

    id: str = Field(primary_key=True, sa_type=Text)
    user_id: str = Field(sa_column=owner())
    app: str = Field(sa_type=Text)
    title: str = Field(sa_type=Text)
    folded_title: str = Field(sa_type=Text)
    title_state: str = Field(sa_type=Text)
    title_attempts: int
    title_due_at: datetime | None = Field(sa_type=Moment)
    created_at: datetime = Field(sa_type=Moment)
    updated_at: datetime = Field(sa_type=Moment)
    unread: bool
    inputs: dict[str, Any] = Field(sa_type=JSON)
    embed: str = Field(sa_type=Text)  # in which it was begun; '' for our own pages


class MessageRow(Table, table=True):
    """`status` repeats the reply's, for queries; the partial index allows one running answer in a conversation.

    `parent`, `is_chosen` and `is_shown` are the business of `branches`. `upstream_id` is Dify's name for the
    conversation that it was asked in; '' where Dify never took it, or has not said so yet.
    """

    __tablename__ = 'messages'
    __table_args__ = (
        UniqueConstraint('user_id', 'key'),
        UniqueConstraint('conversation_id', 'number'),
        Index('ix_messages_running', 'conversation_id', unique=True, **only_where("status = 'running'")),
        Index('ix_messages_running_of_user', 'user_id', **only_where("status = 'running'")),
        Index('ix_messages_waiting', 'created_at', **only_where("status = 'waiting'")),
        Index(None, 'conversation_id', 'parent'),
        Index('ix_messages_chosen', 'conversation_id', 'parent', unique=True, **IS_CHOSEN),
        Index('ix_messages_shown', 'conversation_id', 'number', **IS_SHOWN),
        Index(None, 'upstream_id', 'number'),
    )

    id: str = Field(primary_key=True, sa_type=Text)
    conversation_id: str = Field(
        sa_column=Column(Text, ForeignKey('conversations.id', ondelete='CASCADE'), nullable=False)
    )
    user_id: str = Field(sa_column=owner())
    key: str = Field(sa_type=Text)
    number: int
    status: str = Field(sa_type=Text)
    created_at: datetime = Field(sa_type=Moment)
    ended_at: datetime | None = Field(sa_type=Moment)
    cost_group: str = Field(sa_type=Text)
    parent: int  # number of the message before it on its path, 0 for none
    is_chosen: bool
    is_shown: bool
    upstream_id: str = Field(sa_type=Text)
    query: str = Field(sa_type=Text)  # the long ones come last: SQLite reads a row from its start
    reply: dict[str, Any] = Field(sa_type=JSON)


class FileRow(Table, table=True):
    """What somebody uploaded or an assistant made. `conversation_id` is empty until it is sent; bytes are in pieces."""

    __tablename__ = 'files'
    __table_args__ = (
        Index(None, 'user_id', 'created_at'),
        Index(None, 'conversation_id'),
        Index('ix_files_unsent', 'created_at', **only_where('conversation_id IS NULL')),
        Index('ix_files_kept', 'created_at', 'id', **IS_KEPT),  # what is old enough to go
    )

    id: str = Field(primary_key=True, sa_type=Text)
    user_id: str = Field(sa_column=owner())
    conversation_id: str | None = Field(
        sa_column=Column(Text, ForeignKey('conversations.id', ondelete='CASCADE'), nullable=True)
    )
    app: str = Field(sa_type=Text)
    source: str = Field(sa_type=Text)
    kind: str = Field(sa_type=Text)
    name: str = Field(sa_type=Text)
    media_type: str = Field(sa_type=Text)
    size: int | None = Field(sa_type=BigInteger)
    width: int | None
    height: int | None
    upstream_id: str = Field(sa_type=Text)
    upstream_url: str = Field(sa_type=Text)
    created_at: datetime = Field(sa_type=Moment)
    is_kept: bool


class FilePieceRow(Table, table=True):
    """The bytes of a file, cut so that neither end ever holds a whole one."""

    __tablename__ = 'file_pieces'

    file_id: str = Field(
        sa_column=Column(Text, ForeignKey('files.id', ondelete='CASCADE'), primary_key=True, nullable=False)
    )
    number: int = Field(primary_key=True)
    data: bytes = Field(sa_type=LargeBinary)


class MessageFileRow(Table, table=True):
    """Which files stand in which message, in which order. A question asked again has those of the first one."""

    __tablename__ = 'message_files'
    __table_args__ = (Index(None, 'file_id'),)

    message_id: str = Field(
        sa_column=Column(Text, ForeignKey('messages.id', ondelete='CASCADE'), primary_key=True, nullable=False)
    )
    file_id: str = Field(
        sa_column=Column(Text, ForeignKey('files.id', ondelete='CASCADE'), primary_key=True, nullable=False)
    )
    position: int


class FeedbackRow(Table, table=True):
    """What somebody thinks of an answer. `feedback` tells upstream of it, `feedback_list` brings what upstream knows.

    The owner's own has the id of its message, what upstream alone knows one made of its id there. `message_id` and
    `user_id`, whose message it is, are empty where it is none of ours. A rating taken back is ''. `due_at` is empty
    when upstream has been told, at `told_at`. `rater` is who rated, by their id upstream; '' where that is not known.
    """

    __tablename__ = 'feedback'
    __table_args__ = (
        Index(None, 'user_id'),
        Index(None, 'message_id'),
        Index(None, 'app', 'upstream_conversation_id'),
        Index('ix_feedback_due_at', 'due_at', **only_where('due_at IS NOT NULL')),
        # read backwards, the newest first
        Index('ix_feedback_listed', 'updated_at', 'id', **only_where("rating <> ''")),
        Index('ix_feedback_listed_by_app', 'app', 'updated_at', 'id', **only_where("rating <> ''")),
        Index('ix_feedback_listed_by_state', 'state', 'updated_at', 'id', **only_where("rating <> ''")),
        Index('ix_feedback_listed_by_rating', 'rating', 'updated_at', 'id', **only_where("rating <> ''")),
    )

    id: str = Field(primary_key=True, sa_type=Text)
    message_id: str | None = Field(sa_column=Column(Text, ForeignKey('messages.id', ondelete='CASCADE'), nullable=True))
    user_id: str | None = Field(sa_column=Column(Text, ForeignKey('users.id', ondelete='CASCADE'), nullable=True))
    app: str = Field(sa_type=Text)
    source: str = Field(sa_type=Text)
    rater: str = Field(sa_type=Text)
    upstream_message_id: str = Field(sa_type=Text)
    upstream_conversation_id: str = Field(sa_type=Text)
    rating: str = Field(sa_type=Text)
    comment: str = Field(sa_type=Text)
    folded: str = Field(sa_type=Text)
    updated_at: datetime = Field(sa_type=Moment)
    state: str = Field(sa_type=Text)
    state_by: str = Field(sa_type=Text)
    state_at: datetime | None = Field(sa_type=Moment)
    sent: bool
    told_at: datetime | None = Field(sa_type=Moment)
    attempts: int
    due_at: datetime | None = Field(sa_type=Moment)


class FeedbackListRow(Table, table=True):
    """When an app's list of ratings upstream is to be looked at again: its newest, and all of it."""

    __tablename__ = 'feedback_lists'

    app: str = Field(primary_key=True, sa_type=Text)
    claimed_at: datetime = Field(sa_type=Moment)
    due_at: datetime = Field(sa_type=Moment)
    whole_due_at: datetime = Field(sa_type=Moment)
    read_at: datetime | None = Field(sa_type=Moment)


class ForgottenRow(Table, table=True):
    """A conversation that its person has deleted, by its name upstream: what is still told of it there is not heard."""

    __tablename__ = 'forgotten'
    __table_args__ = (Index(None, 'at'),)

    app: str = Field(primary_key=True, sa_type=Text)
    upstream_id: str = Field(primary_key=True, sa_type=Text)
    at: datetime = Field(default_factory=clock.now, sa_type=Moment)


class DeletionRow(Table, table=True):
    """A conversation that is gone here and that upstream has not been told to delete yet; see `deletions`."""

    __tablename__ = 'deletions'
    __table_args__ = (Index(None, 'app', 'due_at'),)

    id: str = Field(primary_key=True, sa_type=Text)
    app: str = Field(sa_type=Text)
    upstream_id: str = Field(sa_type=Text)
    dify_user: str = Field(sa_type=Text)
    created_at: datetime = Field(sa_type=Moment)
    attempts: int
    due_at: datetime = Field(sa_type=Moment)
