"""How an embed looks: as its settings say, or as the host asks in the address. What is asked can restyle, no more."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import get_args
from urllib.parse import urlencode

from webapp.branding import Branding
from webapp.embeds import Embed, Layout, Theme

LANGUAGE = re.compile(r'[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8}){0,4}', re.ASCII)
COLOUR = re.compile(r'#[0-9a-fA-F]{6}', re.ASCII)
SWITCH = {'on': True, 'off': False}


@dataclass(frozen=True, slots=True)
class WayToSignIn:
    """What a frame has to know to let somebody sign in, see `sign_in.js`: addresses of ours."""

    window: str
    path: str
    chat: str


@dataclass(frozen=True, slots=True)
class Look:
    """:ivar asked: what the address says of it, in one form; to be carried on"""

    layout: Layout
    theme: Theme
    language: str
    header: bool
    accent: str  # '#rrggbb'; '' for that of the brand
    asked: str

    @classmethod
    def of(cls, embed: Embed, query: Mapping[str, str]) -> 'Look':
        """What makes no sense is as if it had not been asked for."""
        good: dict[str, Callable[[str], object]] = {
            'layout': lambda text: text in set(Layout),
            'theme': lambda text: text in get_args(Theme),
            'language': LANGUAGE.fullmatch,
            'header': SWITCH.__contains__,
            'accent': COLOUR.fullmatch,
        }
        asked = {name: text for name, is_good in good.items() if (text := query.get(name, '')) and is_good(text)}
        return cls(
            layout=Layout(asked.get('layout', embed.layout)),
            theme=asked.get('theme', embed.theme),  # type: ignore[arg-type]  # one of them, as was seen
            language=asked.get('language', embed.language),
            header=SWITCH.get(asked.get('header', ''), embed.header),
            accent=asked.get('accent', '').lower(),
            asked=urlencode(asked),
        )

    def brand(self, embed: Embed, base: Branding) -> Branding:
        """:param base: what the embed does not say itself"""
        brand = embed.branding.over(base)
        return replace(brand, accent=self.accent) if self.accent else brand

    def way_to_sign_in(self, embed: Embed) -> WayToSignIn | None:
        """Nothing where people can't; the chat that they come to looks the same."""
        return WayToSignIn(embed.sign_in_path, embed.path, self.at(embed.chat_path)) if embed.sign_in else None

    def at(self, path: str, **more: str) -> str:
        """The address of a page that looks the same."""
        query = '&'.join(filter(None, (urlencode({name: text for name, text in more.items() if text}), self.asked)))
        return f'{path}?{query}' if query else path
