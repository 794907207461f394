"""Pages that are open in browsers: whose each is, what it asks of them, and how it is closed when that holds no more.

A page that is closed is gone from the server at once, so nothing brings it back: no socket, and no copy of a cookie.
"""

import json
from collections.abc import Callable, Collection, Iterator, Mapping

from nicegui import Client, background_tasks, core, ui

from webapp.auth.sessions import Sessions
from webapp.errors import Refused
from webapp.limits import Limits, network
from webapp.principal import Principal, Role

PRINCIPAL = 'principal'  # in the storage of an open page: whose it is, as they were when it opened
ADMITS = 'admits'  # in the same place: whether it is for somebody
ENTRANCE = 'entrance'  # in the same place, of a page within another site's: where it goes when it closes
CROWDED = 'crowded'  # in the same place, if it was one too many: the limits

Admits = Callable[[Principal], bool]

HOME = "'/'"
LOGIN = "'/login?code=signed_out&next=' + encodeURIComponent(location.pathname + location.search)"
# Not at once: the page may be the one that signs out, and on its way to what that is answered with.
GO = 'setTimeout(() => location.{how}({target}), 500)'


def claim(principal: Principal, admits: Admits) -> None:
    """Note whose the page is that is being built."""
    ui.context.client.storage[PRINCIPAL] = principal
    ui.context.client.storage[ADMITS] = admits


def within(entrance: str) -> None:
    """Note where the page that is being built, within another site's, goes when it is closed."""
    ui.context.client.storage[ENTRANCE] = entrance


def require(admits: Admits) -> None:
    """Keep the page that is being built open only as long as its person meets this too."""
    storage = ui.context.client.storage
    before: Admits = storage[ADMITS]
    storage[ADMITS] = lambda principal: before(principal) and admits(principal)


def sessions() -> set[str]:
    """Ids of the sessions that have pages open."""
    return {principal.session_id for _, principal in _owned()}


def browsers() -> int:
    """How many sessions have pages open, in this process."""
    return len({principal.session_id for client, principal in _owned() if client.has_socket_connection})


def count() -> int:
    """How many pages browsers have open, in this process."""
    return sum(client.has_socket_connection for client, _ in _owned())


def keep(asked: Collection[str], standing: Mapping[str, Principal]) -> None:
    """Close the pages that are not for their people any more; one that is being built waits for the next look.

    :param asked: ids of sessions; pages of all others stay as they are
    :param standing: those of them that live, each with its person as they are now
    """
    for client, principal in _owned():
        if principal.session_id not in asked or not client._response_built:
            continue
        now = standing.get(principal.session_id)
        if now is None:
            _close(client, _after_the_session(client, principal))
        elif not client.storage[ADMITS](now):
            _close(client, HOME)


def close(session_id: str) -> None:
    """Close every page of a session, because it has ended."""
    keep({session_id}, {})


def has_room(client: Client, limits: Limits) -> bool:
    """Whether a page may connect, beside those that are connected. Its browser asks anew if not, see `turn_away`."""
    if not _crowd(client, limits):
        return True
    client.storage[CROWDED] = limits
    return False


def turn_away(principal: Principal, path: str) -> None:
    """Tell somebody whose page had no room, and asks anew.

    :raises Refused: `too_many_pages`, `too_many_pages_of_guests`
    """
    for client, owner in _owned():
        limits: Limits | None = client.storage.get(CROWDED)
        if limits and owner.session_id == principal.session_id and client.request.scope['path'] == path:
            crowd = _crowd(client, limits)
            drop(client)
            if crowd:
                raise Refused(crowd, status=429)


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


def _crowd(client: Client, limits: Limits) -> str:
    """Code of why a page has no room, '' if it has. Guests count by address too: they can be anybody anew at will."""
    me: Principal | None = client.storage.get(PRINCIPAL)
    if me is None:
        return ''
    others = [owner for other, owner in _owned() if other is not client and other.has_socket_connection]
    if 0 < limits.sockets_per_user <= sum(other.user_id == me.user_id for other in others):
        return 'too_many_pages'
    guests = [other for other in others if other.role is Role.GUEST]
    here = sum(network(guest.address) == network(me.address) for guest in guests)
    return 'too_many_pages_of_guests' if me.role is Role.GUEST and 0 < limits.sockets_per_address <= here else ''


def _close(client: Client, target: str) -> None:
    """Without a connection there is nobody to tell: the browser asks for the page anew when it comes back."""
    how = 'assign'
    if entrance := client.storage.get(ENTRANCE):
        target, how = json.dumps(entrance), 'replace'  # the way back is that of the page around
    drop(client)
    told = core.sio.emit('run_javascript', {'code': GO.format(target=target, how=how)}, room=client.id)
    background_tasks.create(told, name='close page')


def _after_the_session(client: Client, principal: Principal) -> str:
    is_local = Sessions.of(client.request.scope).admission.is_local
    return HOME if is_local or principal.role is Role.GUEST else LOGIN
