"""What an app says of itself, as the frame and an empty thread show it."""

import hashlib
import re
from dataclasses import replace

from webapp import markdown
from webapp.apps import App
from webapp.branding import Branding
from webapp.ui import i18n
from webapp.ui.theme import AppLink

SHORT = 160  # characters of a description in the list of apps
ADDRESS = re.compile(r'https?://[^\s<>"\']{1,2000}', re.IGNORECASE)


def link(app: App, *, href: str, is_current: bool) -> AppLink:
    """It as one of those to choose from, as far as it is known: nothing is asked for that."""
    known = app.known
    description = ' '.join(known.description.split()) if known else ''
    return AppLink(
        name=app.name or app.slug,
        href=href,
        current=is_current,
        emoji=known.site.icon if known and not known.icon else '',
        background=known.site.icon_background if known else '',
        picture=picture(app),
        description=description[: SHORT - 1] + '…' if len(description) > SHORT else description,
        is_down=app.health.is_down,
    )


def brand(app: App) -> Branding:
    """Its face as the settings have it; where they name no colour, in the one that it names itself, once it has."""
    colour = app.known.site.theme_color if app.known else ''
    return app.branding if app.branding.accent or not colour else replace(app.branding, accent=colour)


def picture(app: App) -> str:
    """Where the browser finds its icon; '' if that is no picture. Another picture has another address."""
    icon = app.known.icon if app.known else None
    return f'/a/{app.slug}/icon?v={hashlib.sha256(icon.content).hexdigest()[:12]}' if icon else ''


def placeholder(app: App) -> str:
    return app.known.site.placeholder.strip() if app.known else ''


def disclaimer(app: App) -> str:
    """What stands below where people write, as HTML: plain text whose addresses are links."""
    return markdown.linked(app.known.site.disclaimer.strip()) if app.known else ''


def fine_print(app: App) -> tuple[str, ...]:
    """Who owns it and what it does with what people write, each as HTML."""
    if app.known is None:
        return ()
    site = app.known.site
    policy = site.privacy_policy.strip()
    if ADDRESS.fullmatch(policy):
        policy = markdown.link(policy, i18n.t('thread.privacy_policy'))
    else:
        policy = markdown.linked(policy)
    rights = site.copyright.strip()
    rights = rights if not rights or re.match(r'©|\(c\)|copyright', rights, re.IGNORECASE) else f'© {rights}'
    return tuple(line for line in (markdown.linked(rights), policy) if line)
