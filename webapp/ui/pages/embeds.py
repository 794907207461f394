"""`/admin/embeds`: where other sites show the chat, what they have to write for that, and what is taken from them."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from fastapi import Request
from markupsafe import Markup

from webapp import clock
from webapp.edge import policy
from webapp.embeds import Embed
from webapp.errors import NotFound
from webapp.principal import Principal, Role
from webapp.services import Services
from webapp.store import reports, revocations
from webapp.store.budgets import Scope
from webapp.store.revocations import Kind, Revocation
from webapp.ui import budget_lines, i18n, numbers, open_pages, snippets
from webapp.ui.budget_lines import Line
from webapp.ui.page import page
from webapp.ui.sheets import SheetPage, written

PATH = '/admin/embeds'
LATELY = timedelta(days=30)


def register(services: Services) -> None:
    @page(PATH, role=Role.ADMIN)
    async def embeds(principal: Principal, request: Request) -> None:
        policy.frame_own(request)  # the previews
        await EmbedsPage(services, principal, Role.ADMIN).build(i18n.t('embeds.title'), i18n.t('admin.title'))


@dataclass(frozen=True, slots=True)
class Grant:
    """A key or an origin."""

    kind: Kind
    name: str
    about: str  # '' for nothing more to say
    of: str  # for `act`
    id: str  # for the focus
    revoked_at: datetime | None  # None: it counts


@dataclass(frozen=True, slots=True)
class Row:
    embed: Embed
    facts: list[tuple[str, str | Markup]]
    budgets: list[Line]
    origins: list[Grant]
    keys: list[Grant]
    script: str
    iframe: str
    preview: str  # address; '' as long as nobody wants to see it


class EmbedsPage(SheetPage):
    SHEETS = (*SheetPage.SHEETS, 'usage.css', 'embeds.css')

    _preview = ('', '')  # id of the embed that is to be seen, and the address; it leads in once

    async def render(self) -> str:
        services, since = self._services, (clock.now() - LATELY).date()
        sessions = await services.embedding.sessions.by_embed()
        answers = await services.store.read(reports.answers_by_embed, since=since)
        revoked = await services.store.read(revocations.all_of)
        budgets = await self._budgets()
        preview, self._preview = self._preview, ('', '')
        rows = []
        for embed in services.embedding.embeds:
            title = embed.branding.name or self._app(embed)
            counts = {'sessions': sessions.get(embed.id, 0), 'answers': answers.get(embed.issuer, 0)}
            row = Row(
                embed=embed,
                facts=self._facts(embed, counts),
                budgets=budgets.get(embed.budget_group, []) if embed.budget_group else [],
                origins=_grants(embed, Kind.ORIGIN, dict.fromkeys(embed.origins, ''), revoked),
                keys=_grants(embed, Kind.KEY, {key.kid: key.algorithm for key in embed.keys}, revoked),
                script=snippets.script(embed, services.embedding.entrance.public_url),
                iframe=snippets.iframe(embed, services.embedding.entrance.public_url, title),
                preview=preview[1] if preview[0] == embed.id else '',
            )
            rows.append(row)
        return written('embeds.html', rows=rows)

    async def act(self, name: str, of: str) -> None:
        match name:
            case 'preview':
                await self._show(self._services.embedding.embeds.get(of))
            case 'end_all':
                embed = self._services.embedding.embeds.get(of)
                await self._end(
                    await self._services.store.write(revocations.end_sessions, embed=embed.id, **self._doing)
                )
            case 'revoke':
                embed, kind, what = self._named(of)
                if what not in (embed.origins if kind is Kind.ORIGIN else {key.kid for key in embed.keys}):
                    raise NotFound
                revoke = partial(revocations.revoke, embed=embed.id, kind=kind, name=what)
                await self._end(await self._services.store.write(revoke, **self._doing))
            case 'allow':
                embed, kind, what = self._named(of)
                allow = partial(revocations.allow, embed=embed.id, kind=kind, name=what)
                await self._services.store.write(allow, **self._doing)
                await self.refresh(said=i18n.t('embeds.allowed'))
            case _:
                raise NotFound

    async def _show(self, embed: Embed) -> None:
        entrance, name = self._services.embedding.entrance, i18n.t('embeds.preview_person', id=embed.id)
        ticket = await entrance.preview(self._principal, embed, name=name)
        self._preview = (embed.id, f'{embed.chat_path}?t={ticket}')
        await self.refresh(said=i18n.t('embeds.previewed'))

    async def _end(self, ended: list[str]) -> None:
        """Pages of other processes are closed by `auth.watch`."""
        for session_id in ended:
            open_pages.close(session_id)
        await self.refresh(said=i18n.t('embeds.ended', count=len(ended)))

    def _named(self, of: str) -> tuple[Embed, Kind, str]:
        """What a button means. :raises NotFound: nothing that we know of"""
        try:
            embed, kind, name = json.loads(of)
            return self._services.embedding.embeds.get(embed), Kind(kind), str(name)
        except (ValueError, TypeError, RecursionError) as error:
            raise NotFound from error

    def _facts(self, embed: Embed, counts: dict[str, int]) -> list[tuple[str, str | Markup]]:
        yes_no = {True: i18n.t('embeds.yes'), False: i18n.t('embeds.no')}
        return [
            (i18n.t('embeds.app'), self._app(embed)),
            (i18n.t('embeds.layout'), i18n.t('embeds.layout_' + embed.layout)),
            (i18n.t('embeds.anonymous'), yes_no[embed.anonymous]),
            (i18n.t('embeds.sign_in'), yes_no[embed.sign_in]),
            (i18n.t('embeds.share_text'), yes_no[embed.share_text]),
            (i18n.t('embeds.budget_group'), embed.budget_group or i18n.t('embeds.own_group')),
            (i18n.t('embeds.sessions'), numbers.count(counts['sessions'])),
            (i18n.t('embeds.answers'), numbers.count(counts['answers'])),
        ]

    def _app(self, embed: Embed) -> str:
        names = {app.slug: app.name or app.slug for app in self._services.apps}
        return names.get(embed.app, embed.app)

    async def _budgets(self) -> dict[str, list[Line]]:
        """How those of each group stand."""
        found: dict[str, list[Line]] = {}
        if any(embed.budget_group for embed in self._services.embedding.embeds):
            for posted in (await self._services.budgets.board()).posted:
                if posted.budget.scope is Scope.GROUP and posted.stands:
                    found.setdefault(posted.budget.target, []).append(budget_lines.line(posted.stands))
        return found


def _grants(embed: Embed, kind: Kind, known: dict[str, str], revoked: list[Revocation]) -> list[Grant]:
    """What the settings grant, and what was taken that they grant no more.

    :param known: what there is to say of each
    """
    taken = {each.name: each.at for each in revoked if (each.embed, each.kind) == (embed.id, kind)}
    gone = dict.fromkeys(taken.keys() - known.keys(), i18n.t('embeds.gone'))
    return [
        Grant(
            kind=kind,
            name=name,
            about=about,
            of=json.dumps([embed.id, kind, name]),
            id=f'{embed.id}-{kind}-{number}',
            revoked_at=taken.get(name),
        )
        for number, (name, about) in enumerate((known | gone).items(), 1)
    ]
