"""Pages that are open in browsers: whose each is, what it asks of them, and how it is closed when that holds no more.

A page that is closed is gone from the server at once, so nothing brings it back: no socket, and no copy of a cookie.
"""

from collections.abc import Callable, Collection, Iterator, Mapping

from nicegui import Client, background_tasks, core, ui

from webapp.auth.sessions import Sessions
from webapp.principal import Principal, Role

PRINCIPAL = 'principal'  # in the storage of an open page: whose it is, as they were when it opened
ADMITS = 'admits'  # in the same place: whether it is for somebody

Admits = Callable[[Principal], bool]

HOME = "'/'"
LOGIN = "'/login?next=' + encodeURIComponent(location.pathname + location.search)"
# Not at once: the page may be the one that signs out, and on its way to what that is answered with.
GO = 'setTimeout(() => location.assign({target}), 500)'


def claim(principal: Principal, admits: Admits) -> None:
    """Note whose the page is that is being built."""
    ui.context.client.storage[PRINCIPAL] = principal
    ui.context.client.storage[ADMITS] = admits


def require(admits: Admits) -> None:
    """Keep the page that is being built open only as long as its person meets this too."""
    storage = ui.context.client.storage
    before: Admits = storage[ADMITS]
    storage[ADMITS] = lambda principal: before(principal) and admits(principal)


def sessions() -> set[str]:
    """Ids of the sessions that have pages open."""
    return {principal.session_id for _, principal in _owned()}


def keep(asked: Collection[str], standing: Mapping[str, Principal]) -> None:
    """Close the pages that are not for their people any more.

    :param asked: ids of sessions; pages of all others stay as they are
    :param standing: those of them that live, each with its person as they are now
    """
    for client, principal in _owned():
        if principal.session_id not in asked:
            continue
        now = standing.get(principal.session_id)
        if now is None:
            _close(client, _after_the_session(client, principal))
        elif not client.storage[ADMITS](now):
            _close(client, HOME)


def close(session_id: str) -> None:
    """Close every page of a session, because it has ended."""
    keep({session_id}, {})


def drop(client: Client) -> None:
    """Forget a page; whatever its browser sends from now on is for nobody."""
    if client.is_deleted:
        return
    for document in list(client._delete_tasks):
        client._cancel_delete_task(document)  # it waits for a browser to come back, and must not forget it twice
    client.delete()


def _owned() -> Iterator[tuple[Client, Principal]]:
    for client in list(Client.instances.values()):
        if principal := client.storage.get(PRINCIPAL):
            yield client, principal


def _close(client: Client, target: str) -> None:
    """Without a connection there is nobody to tell: the browser asks for the page anew when it comes back."""
    drop(client)
    told = core.sio.emit('run_javascript', {'code': GO.format(target=target)}, room=client.id)
    background_tasks.create(told, name='close page')


def _after_the_session(client: Client, principal: Principal) -> str:
    is_local = Sessions.of(client.request.scope).admission.is_local
    return HOME if is_local or principal.role is Role.GUEST else LOGIN
