"""What may be asked, and what goes along with the first question of a conversation."""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence

from webapp import inputs
from webapp.apps import App
from webapp.errors import Refused, UpstreamError
from webapp.principal import Principal
from webapp.store import files
from webapp.store.database import Store

MAX_QUERY = 2_000_000  # characters
FORM_SECONDS = 3.0  # how long a question waits for the app to say what its form is


def check(query: str, *, has_files: bool) -> None:
    """:raises Refused: `empty_query`, `too_long`"""
    if not query.strip() and not has_files:
        raise Refused('empty_query', status=400)
    if len(query) > MAX_QUERY:
        raise Refused('too_long', status=413)


def check_number(app: App, file_ids: Sequence[str]) -> None:
    """Upstream says the same, but only when the question is there already. It is not asked for it now.

    :raises Refused: `too_many_files`
    """
    if app.known and len(file_ids) > app.known.parameters.uploads.per_message:
        raise Refused('too_many_files', status=400)


async def filled(
    store: Store, principal: Principal, app: App, given: Mapping[str, object]
) -> tuple[dict[str, object], Sequence[str]]:
    """The values of the app's form that a new conversation keeps, and the ids of the files among them.

    :raises FormUnfit: they don't fit the form
    """
    if app.known is None:
        with contextlib.suppress(UpstreamError, TimeoutError):  # the answer will say that it can't be reached
            async with asyncio.timeout(FORM_SECONDS):
                await app.about()
    form = app.known.parameters.form if app.known else ()
    values = inputs.complete(form, given)
    ids = inputs.enclosed(form, values)
    found = await store.read(files.some, user_id=principal.user_id, ids=ids) if ids else {}
    return inputs.with_files(form, values, found), ids
