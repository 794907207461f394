"""Keeps sessions true to their providers: those in use are asked after now and then, by their refresh tokens.

it vouches for them         what it says now counts from now on, and the next refresh token is kept
it does not any more        the session ends
it speaks of somebody else  the session ends
it is out of reach          the session lives on; the provider is asked again after ever longer pauses
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from webapp import clock
from webapp.auth import claims
from webapp.auth.admission import Admission
from webapp.auth.clients import Clients, Grant, GrantRefused, OidcClient, granted
from webapp.auth.id_tokens import TokenRefused
from webapp.auth.sealing import Sealing, refresh_in
from webapp.auth.wire import Json
from webapp.errors import SignInFailed, StoreUnavailable
from webapp.principal import Identity
from webapp.store import endings, refreshes
from webapp.store.database import Store
from webapp.store.refreshes import Due

logger = logging.getLogger(__name__)

PACE = 10.0  # seconds between two looks
IN_USE = timedelta(hours=1)  # a session that nobody has used for longer is asked after when it is used again
LEASE = timedelta(minutes=3)  # longer than asking takes at most
AT_ONCE = 8
MANY = 100  # in one look
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=30), timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Pause:
    """A provider is left alone, for longer each time."""

    until: datetime
    length: timedelta


class Refreshing:
    """:param on_end: told the ids of sessions that end, so that open pages can be closed at once"""

    def __init__(
        self,
        store: Store,
        clients: Clients,
        admission: Admission,
        sealing: Sealing,
        *,
        on_end: Callable[[str], object],
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        self._store = store
        self._clients = {client.provider.name: client for client in clients if isinstance(client, OidcClient)}
        self._admission = admission
        self._sealing = sealing
        self._on_end = on_end
        self._now = now
        self._pauses: dict[str, Pause] = {}

    async def run(self) -> None:
        """Look again and again."""
        while self._clients:
            try:
                while await self.look() == MANY:
                    pass
            except StoreUnavailable as error:
                logger.warning('nobody is asked after for now: %s', error)
            await asyncio.sleep(PACE)

    async def look(self) -> int:
        """Ask after all sessions that are due now, but for those whose providers are left alone; for how many that was.

        Those that could not be written of do not count.
        """
        now, awake, places = self._now(), self._awake(), asyncio.Semaphore(AT_ONCE)
        due = await self._store.read(refreshes.due, providers=awake, now=now, used_since=now - IN_USE, limit=MANY)

        async def ask(each: Due) -> bool:
            async with places:
                try:
                    await self.refresh(each)
                except StoreUnavailable as error:  # the others have sent off tokens that count once
                    logger.warning('a session is not asked after for now: %s', error)
                    return False
                return True

        async with asyncio.TaskGroup() as group:
            asked = [group.create_task(ask(each)) for each in due]
        return sum(task.result() for task in asked)

    async def refresh(self, due: Due) -> None:
        """Ask after one session, unless somebody else does, or its provider has just turned out to be out of reach."""
        claim = replace(due, at=self._now() + LEASE)
        if due.provider not in self._awake() or not await self._postpone(due, until=claim.at):
            return
        client, token = self._clients[due.provider], self._sealing.open(due.refresh_token)
        try:
            if not token:
                raise GrantRefused(detail='the refresh token was sealed with another secret')
            tokens = await client.tokens('refresh_token', refresh_token=token)
        except GrantRefused as refusal:
            logger.info('provider %s does not stand behind a session any more: %s', due.provider, refusal)
            await self._end(claim, 'not_renewed')
        except SignInFailed as error:
            await self._postpone(claim, until=self._leave_alone(due.provider, error))
        else:
            self._pauses.pop(due.provider, None)
            await self._keep(claim, client, tokens)

    async def _keep(self, claim: Due, client: OidcClient, tokens: Json) -> None:
        """Keep what came. The next refresh token counts whatever becomes of the rest, for the last one is spent."""
        try:
            grant = await _granted(client, claim.subject, tokens, now=self._now())
        except SomebodyElse:
            await self._end(claim, 'somebody_else')
            return
        except SignInFailed as error:
            logger.warning('provider %s has renewed a session, but its words do not count: %s', claim.provider, error)
            grant = granted(None, {}, tokens)
        now = self._now()
        kept = replace(self._sealing.tokens(grant, now=now), refresh_at=now + refresh_in(grant.expires_in))
        role = self._admission.role(grant.identity) if grant.identity else None
        if not await self._store.write(
            refreshes.renew, claim=claim, tokens=kept, identity=grant.identity, role=role or '', now=now
        ):
            self._on_end(claim.session_id)

    async def _end(self, claim: Due, reason: str) -> None:
        await self._store.write(endings.end, session_id=claim.session_id, reason=reason, now=self._now())
        self._on_end(claim.session_id)

    async def _postpone(self, due: Due, *, until: datetime) -> bool:
        return await self._store.write(refreshes.postpone, session_id=due.session_id, at=due.at, until=until)

    def _awake(self) -> list[str]:
        """The providers that are not left alone now."""
        now = self._now()
        return [name for name in self._clients if name not in self._pauses or self._pauses[name].until <= now]

    def _leave_alone(self, name: str, error: SignInFailed) -> datetime:
        """Until when; several sessions that have found it out at once make the pause no longer."""
        now, last = self._now(), self._pauses.get(name)
        if last and last.until > now:
            return last.until
        length = min(2 * last.length, LONGEST_PAUSE) if last else FIRST_PAUSE
        logger.warning('provider %s is left alone for %d s: %s', name, length.total_seconds(), error)
        self._pauses[name] = Pause(now + length, length)
        return now + length


class SomebodyElse(SignInFailed):
    """The provider speaks of another person than before."""


async def _granted(client: OidcClient, subject: str, tokens: Json, *, now: datetime) -> Grant[Identity | None]:
    """What comes with a refresh. It names nobody if there is no ID token and less is said than with a login.

    :param subject: whom it has to be about; of an ID token the store makes sure
    :raises SomebodyElse: the userinfo endpoint speaks of another
    :raises SignInFailed: it is not to be believed, or more can't be asked for now
    """
    has_token = bool(tokens.get('id_token'))
    said = await client.check(tokens, now=now, nonce=None) if has_token else {'sub': subject}
    try:
        full = await client.complete(said, tokens)
    except TokenRefused as refusal:
        raise SomebodyElse from refusal
    if not has_token and claims.is_lacking(client.provider, full):
        return granted(None, {}, tokens)
    return granted(await client.identity(full), said, tokens)
