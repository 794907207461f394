"""The notices for everybody, above one open page."""

import contextlib
from collections.abc import Collection

from webapp.notices import Notices
from webapp.store.notices import Notice
from webapp.ui.theme import Banner, Frame


class Board:
    def __init__(self, notices: Notices, frame: Frame) -> None:
        self._notices = notices
        self._frame = frame
        self._shown: frozenset[str] = frozenset()  # ids

    async def hang(self) -> None:
        """Put up what there is, while the page is being built."""
        self._put(await self._notices.current())

    async def follow(self) -> None:
        """Put up what comes and take down what ends, as long as the page is open."""
        async with contextlib.aclosing(self._notices.live.watch()) as changes:
            async for notices in changes:
                self._put(notices)

    def _put(self, notices: Collection[Notice]) -> None:
        standing = frozenset(notice.id for notice in notices)
        for gone in self._shown - standing:
            self._frame.hide_banner(_name(gone))
        for notice in notices:
            if notice.id not in self._shown:
                banner = Banner(_name(notice.id), notice.text, notice.level, closable=True, is_for_tab=True)
                self._frame.show_banner(banner)
        self._shown = standing


def _name(notice_id: str) -> str:
    return f'notice-{notice_id}'
