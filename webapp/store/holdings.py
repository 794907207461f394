"""Which table holds what of a person, and what becomes of it when they are forgotten.

`forgetting` and `personal` do what stands here; a table that is not here fails a test.
"""

from dataclasses import dataclass
from enum import StrEnum


class Fate(StrEnum):
    DELETED = 'deleted'
    RENAMED = 'renamed'  # stays, under a name that leads to nobody
    PASSING = 'passing'  # goes by itself: soon, or as soon as it has done its work
    NOTHING = 'nothing'  # there is nothing of a person's in it


@dataclass(frozen=True, slots=True)
class Holding:
    """:ivar exported: the file of a person's archive in which it stands; '' for none"""

    table: str
    what: str
    fate: Fate
    exported: str = ''


HOLDINGS = (
    Holding(
        'users', 'name, e-mail address, when they were here, the id that upstream knows', Fate.DELETED, 'person.json'
    ),
    Holding('identities', 'what providers say of them', Fate.DELETED, 'identities.jsonl'),
    Holding('sessions', 'where they are signed in; hashes and sealed tokens', Fate.DELETED, 'sessions.jsonl'),
    Holding('tickets', 'the way into a session within a page of another site; goes with the session', Fate.DELETED),
    Holding('pairings', 'a frame that waits for them to sign in; goes with the session', Fate.DELETED),
    Holding('attempts', 'a login under way that adds a way in; goes with the session', Fate.DELETED),
    Holding('offers', 'a way in that waits to be taken; goes with the session', Fate.DELETED, 'offers.jsonl'),
    Holding('conversations', 'titles, and what was filled in at their start', Fate.DELETED, 'conversations.jsonl'),
    Holding('messages', 'questions and answers', Fate.DELETED, 'messages.jsonl'),
    Holding('message_files', 'which file stands in which message', Fate.DELETED, 'messages.jsonl'),
    Holding('feedback', 'what they think of answers', Fate.DELETED, 'messages.jsonl'),
    Holding('files', 'names and kinds of files; questions that wait to be sent', Fate.DELETED, 'files.jsonl'),
    Holding('file_pieces', 'the bytes of files', Fate.DELETED, 'files/'),
    Holding('hits', 'what they did lately that is limited', Fate.DELETED, 'limits.jsonl'),
    Holding('reservations', 'what answers that are being written may cost', Fate.DELETED, 'reservations.jsonl'),
    Holding('budgets', 'what an admin lets them spend, if it is theirs alone', Fate.DELETED, 'budgets.jsonl'),
    Holding('forgettings', 'that they are being forgotten', Fate.DELETED),
    Holding('usage', 'what each answer cost', Fate.RENAMED, 'usage.jsonl'),
    Holding('usage_days', 'what they cost by day', Fate.RENAMED, 'usage_days.jsonl'),
    Holding('audit', 'what they did and what was done to them; names and addresses go', Fate.RENAMED, 'audit.jsonl'),
    Holding(
        'deletions',
        'conversations that upstream is still to delete; each stays until Dify says that it has',
        Fate.PASSING,
        'deletions.jsonl',
    ),
    Holding('spent_tokens', 'hashes of tokens that count once', Fate.PASSING),
    Holding('usage_speeds', 'how many answers took how long, by nobody', Fate.NOTHING),
    Holding('usage_totals', 'what everybody cost by day', Fate.NOTHING),
    Holding('embed_revocations', 'keys and origins of other sites that count no more', Fate.NOTHING),
    Holding('notices', 'what admins tell everybody', Fate.NOTHING),
    Holding(
        'forgotten', 'which conversations are gone, by their id upstream, for a year; not whose they were', Fate.NOTHING
    ),
    Holding('feedback_lists', "when Dify's lists of feedback were last read", Fate.NOTHING),
    Holding('chores', 'who does the work that is done for all', Fate.NOTHING),
)
