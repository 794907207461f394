"""All that is held of a person as a file: for themselves, and for admins who may read it, who are written down."""

from typing import Any

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import StreamingResponse

from webapp import clock
from webapp.auth.sessions import Sessions
from webapp.errors import NotFound
from webapp.exports import person_archive, tabular
from webapp.exports.answering import admin
from webapp.principal import Principal, Role
from webapp.store import audit, personal, users
from webapp.store.audit import Action, Party
from webapp.store.database import Store
from webapp.store.limits import Scope
from webapp.throttle import Throttle
from webapp.ui import persons
from webapp.ui.page import login_path, refuse_foreign


def routes(store: Store, sessions: Sessions, throttle: Throttle) -> APIRouter:
    """`GET /me/export.zip` and `GET /admin/users/{user}/export.zip`."""
    router = APIRouter(include_in_schema=False)

    @router.get(persons.MY_EXPORT)
    async def mine(request: Request) -> StreamingResponse:
        principal = await sessions.principal(request.scope)
        if principal is None or (principal.role is Role.GUEST and sessions.admission.providers):
            raise HTTPException(303, headers={'Location': login_path(request), 'Cache-Control': 'no-store'})
        if not principal.role.reaches(Role.USER):
            raise NotFound
        refuse_foreign(request)
        return await export(principal, principal.user_id)

    @router.get(persons.EXPORT)
    async def of_somebody(request: Request, user: str) -> StreamingResponse:
        principal = await admin(request, sessions)
        if not principal.may_read(user):
            raise NotFound
        return await export(principal, user)

    async def export(principal: Principal, user_id: str) -> StreamingResponse:
        await throttle.person(Scope.EXPORTS, principal)
        person = await store.read(personal.person, user_id=user_id)
        moment, actor = clock.now(), Party(principal.user_id, principal.name)
        target = await store.read(users.named, person['id'])
        told: dict[str, Any] = {'actor': actor, 'target': target, 'address': principal.address}
        await store.write(audit.record, Action.PERSON_EXPORTED, now=moment, **told)
        body = await tabular.begun(person_archive.pieces(store, person['id'], moment=moment))
        name = f'person-{person["id"][:8]}-{moment:%Y-%m-%d}.zip'
        headers = {'Content-Disposition': f'attachment; filename="{name}"', 'Cache-Control': 'no-store'}
        return StreamingResponse(body, headers=headers, media_type='application/zip')

    return router
