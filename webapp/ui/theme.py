"""What stands around every page: styles, colours before the first paint, sidebar, top line and notices."""

import contextlib
import functools
import itertools
import json
import re
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from nicegui import ui
from nicegui.slot import Slot

from webapp.branding import Branding, readable
from webapp.edge import assets, policy, template
from webapp.ui import i18n
from webapp.ui.components.scripted import Scripted
from webapp.ui.look import WayToSignIn

# Chosen colours must stand before anything is painted, so this can't wait for a file.
CHOOSE_COLOURS = """
try { document.documentElement.dataset.theme = localStorage.getItem('theme') || 'auto' } catch {}
"""
SET_COLOURS = "document.documentElement.dataset.theme = '{}'"
TONES = re.compile(r'--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)')
BEHIND_ACCENT = ('ground', 'side', 'raised', 'bubble', 'hover')  # tones on which the accent is seen
UNBRANDED = Branding()
# Areas of words that no script uses.
SERVERS_OWN = {
    *('admin', 'audit', 'banner', 'budget', 'embeds', 'error', 'leaving', 'login', 'me', 'missing', 'notices'),
    *('people', 'popup', 'queue', 'schema', 'span', 'spending'),
}


@dataclass(frozen=True, slots=True)
class Link:
    name: str
    href: str
    current: bool = False


@dataclass(frozen=True, slots=True)
class AppLink:
    """An app to go to. It has a picture, or an emoji, or neither."""

    name: str
    href: str
    current: bool = False
    emoji: str = ''
    background: str = ''  # '#rrggbb', or ''
    picture: str = ''
    description: str = ''
    is_down: bool = False


@dataclass(frozen=True, slots=True)
class Person:
    """Who is there; '' for nobody in particular. `logout` is where the session ends, '' if there is none to end."""

    name: str
    logout: str = ''
    links: tuple[Link, ...] = ()
    reloads: bool = False  # may have the app asked anew what it says of itself


@dataclass(frozen=True, slots=True)
class Banner:
    """A notice above the page. Told apart by `name`; a later one with the same name takes its place."""

    name: str
    text: str
    kind: Literal['info', 'warning', 'error'] = 'info'
    closable: bool = False
    is_for_tab: bool = False  # closed, it stays so for the tab, whatever its kind; else an `info` does for the browser
    is_news: bool = False  # shown again though it was closed before


@dataclass(frozen=True, slots=True)
class Placed:
    """How the frame stands within a page of another site."""

    header: bool  # there is a top line
    closable: bool  # the reader may close it
    roomy: bool  # the list of conversations is a column where there is room, else always a drawer
    scheme: str  # 'auto', 'light' or 'dark'
    language: str  # in which numbers and dates are written; '' for the browser's
    origins: tuple[str, ...]  # one of them is the page around it
    sign_in: WayToSignIn | None  # for who has not, where they can


class Frame(Scripted, component=assets.static_dir() / 'frame.js'):
    """Sidebar, top line, notices, and the page itself in the default slot."""

    def __init__(
        self,
        *,
        name: str,
        apps: Sequence[AppLink],
        person: Person | None,
        has_sidebar: bool,
        home: str,
        brand: Branding,
        placed: Placed | None,
    ) -> None:
        super().__init__()
        self._props['brand'] = {'name': brand.name or name, 'logo': logo_url(brand)}
        self.keep(name=name, banners=[])
        self.set_apps(apps)
        self._props['person'] = asdict(person) if person else None
        self._props['has-sidebar'] = has_sidebar
        self._props['home'] = home
        self._props['placed'] = asdict(placed) if placed else None
        self._shown_banners = itertools.count(1)
        self.sidebar: Slot = self.add_slot('sidebar')

    def set_name(self, name: str) -> None:
        """Change the name in the top line."""
        self.keep(name=name)

    def set_apps(self, apps: Sequence[AppLink]) -> None:
        """Say which there are to choose from, if there are several."""
        self.keep(apps=[asdict(app) for app in apps])

    def set_title(self, title: str) -> None:
        """Set the title of the browser's tab."""
        if self.is_being_built:
            self.client.title = title
        self.keep(title=title)

    def show_banner(self, banner: Banner) -> None:
        """Show a notice; also anew one that was closed."""
        others = [other for other in self.kept['banners'] if other['name'] != banner.name]
        self.keep(banners=[*others, asdict(banner) | {'id': next(self._shown_banners)}])

    def hide_banner(self, name: str) -> None:
        self.keep(banners=[banner for banner in self.kept['banners'] if banner['name'] != name])

    def visit(self, href: str, *, replace: bool = False) -> None:
        """Change the address in the browser without leaving the page; `replace` leaves no way back."""
        self.call('visit', href, replace)

    def on_apps(self, handler: Callable[[], Awaitable[object] | object]) -> None:
        """Hear that the reader looks at the apps there are. Register while the page is being built."""
        self.listen('apps', handler)

    def on_reload(self, handler: Callable[[], Awaitable[object] | object]) -> None:
        """Hear that somebody wants the app asked anew, see `Person.reloads`. Register likewise."""
        self.listen('reload', handler)

    def on_travel(self, handler: Callable[[str], Awaitable[object] | object]) -> None:
        """Hear the path that the reader went back or forward to. Register while the page is being built."""
        self.listen('travel', handler, str)

    def on_leave(self, handler: Callable[[], Awaitable[object] | object]) -> None:
        """Hear that somebody signs out within a page of another site. Register while the page is being built."""
        self.listen('leave', handler)


@contextlib.contextmanager
def frame(
    *,
    name: str,
    apps: Sequence[AppLink] = (),
    person: Person | None = None,
    has_sidebar: bool = True,
    home: str = '',
    sheets: Sequence[str] = (),
    brand: Branding = UNBRANDED,
    placed: Placed | None = None,
) -> Iterator[Frame]:
    """Build the frame and enter its main part; `with frame.sidebar:` enters the sidebar.

    :param name: of the app, in the top line
    :param apps: those to choose from, if there are several
    :param home: where the way back leads, of a page without a sidebar
    :param sheets: styles that only few pages have
    :param brand: name and logo above the sidebar, colour, and a notice
    :param placed: for a page within one of another site
    """
    add_styles(brand, sheets, scheme=placed.scheme if placed else '')
    if placed and placed.language:
        set_language(placed.language)
    # beside NiceGUI's own <main>, which stays empty and hidden: landmarks must not be nested
    with ui.context.client.layout:
        around = Frame(
            name=name, apps=apps, person=person, has_sidebar=has_sidebar, home=home, brand=brand, placed=placed
        )
    if brand.banner:
        around.show_banner(Banner('brand', brand.banner, closable=True))
    with around:
        yield around


def set_language(language: str) -> None:
    """Write the numbers and dates of the page that is being built in the manner of that language."""
    nonce = policy.nonce(ui.context.client.request)
    ui.add_head_html(
        f'<script nonce="{nonce}">document.documentElement.dataset.language = {json.dumps(language)}</script>'
    )


def add_styles(brand: Branding = UNBRANDED, sheets: Sequence[str] = (), *, scheme: str = '') -> None:
    """Add our styles, colours and icon to the head of a page; for pages without a frame.

    Such a page has no element of Quasar's.
    """
    request = ui.context.client.request
    nonce = policy.nonce(request)
    setattr(request.state, template.PLAIN, True)
    setattr(request.state, template.ICON, logo_url(brand) or assets.url('icon.svg'))
    setattr(request.state, template.WORDS, words_url())
    links = ''.join(f'<link rel="stylesheet" href="{assets.url(name)}">' for name in sheets)
    ui.add_head_html(
        f'<script nonce="{nonce}">{colours(scheme)}</script>'
        f'{head(brand)}{links}'
        f'<link rel="modulepreload" nonce="{nonce}" href="{assets.url(assets.SCRIPT)}">'
        f'<link rel="modulepreload" nonce="{nonce}" href="{words_url()}">'
    )


def colours(theme: str = '') -> str:
    """Return the script that stands before everything: colours as the reader has chosen, or as was chosen for them.

    :param theme: 'auto', 'light' or 'dark'; '' for the reader's choice
    """
    return SET_COLOURS.format(theme) if theme else CHOOSE_COLOURS


@functools.lru_cache(maxsize=100)
def head(brand: Branding = UNBRANDED) -> str:
    """Return what the head of each page holds, also of one that needs no script."""
    bars = ''.join(
        f'<meta name="theme-color" media="(prefers-color-scheme: {scheme})" content="{tone}">'
        for scheme, tone in zip(('light', 'dark'), tones()['ground'], strict=True)
    )
    accent = ''
    if brand.accent:
        light, dark = (readable(brand.accent, *(tones()[name][at] for name in BEHIND_ACCENT)) for at in (0, 1))
        accent = f'<style>:root {{ --accent: light-dark({light}, {dark}) }}</style>'
    return f'{bars}<link rel="stylesheet" href="{assets.url(assets.STYLE)}">{accent}'


@functools.cache
def tones() -> dict[str, tuple[str, str]]:
    """Return the colours of `tokens.css`, light and dark, by name."""
    return {name: (light, dark) for name, light, dark in TONES.findall(assets.files()['tokens.css'].decode())}


@functools.cache
def words_url() -> str:
    """Return where the browser finds the words of all components: they change with a release, not with a page."""
    areas = {key.partition('.')[0] for key in i18n.catalogue()} - SERVERS_OWN
    words = {area: i18n.words(area) for area in sorted(areas)}
    return assets.publish(f'export default {json.dumps(words, ensure_ascii=False)};\n'.encode(), 'js')


def logo_url(brand: Branding) -> str:
    """Return where the browser finds the logo; '' without one."""
    return assets.publish(brand.logo.content, brand.logo.extension) if brand.logo else ''
