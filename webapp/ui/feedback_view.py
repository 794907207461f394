"""Ratings as the pages of the feedback queue write them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from webapp.errors import NotFound
from webapp.store.feedback import Source, State
from webapp.store.feedback_queue import Place, Rated, Texts
from webapp.store.labels import Called
from webapp.ui import i18n, places
from webapp.ui.feedback_asked import PATH

SHORT = 8  # characters of an id that people are to tell apart by it


@dataclass(frozen=True, slots=True)
class Step:
    """A state that a rating is in, or may be put into."""

    name: State
    words: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class RatedView:
    id: str
    rating: str
    rating_words: str
    who: str
    who_href: str  # '' for nobody whom we know
    about: str  # whose answer it is, if that is somebody else
    app: str
    at: datetime
    steps: list[Step]
    of: str  # what a button that changes the state is about, see `decision`
    state_by: str  # '' while it is new
    state_at: datetime | None
    names: list[tuple[str, str]]  # ids by which upstream knows it, where that is all there is
    texts: Texts | None
    href: str  # of the conversation; '' if there is none to be read


def view(rated: Rated, called: Mapping[str, Called], apps: Mapping[str, str]) -> RatedView:
    is_ours, may_read = bool(rated.message_id), rated.texts is not None
    owner = person(rated.user_id, called) if rated.user_id else ''
    is_own = rated.source is Source.OWN
    return RatedView(
        id=rated.id,
        rating=rated.rating,
        rating_words=i18n.t('queue.rating_' + rated.rating),
        who=owner if is_own else i18n.t('queue.by_' + rated.source, id=rated.rater[:SHORT] or '–'),
        who_href=f'/admin/users/{rated.user_id}' if is_own and rated.user_id in called else '',
        about=i18n.t('queue.about', name=owner) if owner and not is_own else '',
        app=apps.get(rated.app, rated.app),
        at=rated.at,
        steps=[Step(each, i18n.t('queue.state_' + each), each is rated.state) for each in State],
        of=f'{places.word(*rated.place)}.{rated.state}',
        state_by=person(rated.state_by, called) if rated.state_by else '',
        state_at=rated.state_at,
        names=[] if is_ours else _names(rated),
        texts=rated.texts,
        href=f'{PATH}/{rated.id}' if is_ours and may_read else '',
    )


def people(rows: Collection[Rated]) -> set[str]:
    """Ids of those whom `view` names."""
    return {id_ for each in rows for id_ in (each.user_id, each.state_by) if id_}


def person(user_id: str, called: Mapping[str, Called]) -> str:
    known = called.get(user_id)
    return known.name or known.subject if known else i18n.t('spending.gone', id=user_id[:SHORT])


def decision(act: str, of: str) -> tuple[str, State, tuple[datetime, State]]:
    """What a button says: which rating, its new state, and when it was given and its state as the page showed them.

    :raises NotFound: nothing that a button of ours says
    """
    word, _, before = of.rpartition('.')
    place: Place | None = places.place(word)
    states = {str(each): each for each in State}
    if place is None or act not in states or before not in states:
        raise NotFound
    return place[1], states[act], (place[0], states[before])


def _names(rated: Rated) -> list[tuple[str, str]]:
    known = {
        i18n.t('queue.conversation'): rated.upstream_conversation_id,
        i18n.t('queue.message'): rated.upstream_message_id,
    }
    return [(name, value) for name, value in known.items() if value]
