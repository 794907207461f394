"""How a page hears its browser: who asks is looked up at each event, and whatever goes wrong becomes words."""

import functools
import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from webapp.errors import AppError, SignedOut
from webapp.principal import Principal
from webapp.services import Services
from webapp.ui import failures, i18n, open_pages
from webapp.ui.theme import Banner, Frame

logger = logging.getLogger(__name__)

T = TypeVar('T')

REFUSAL = 'refusal'  # the notice about what did not go


class Hearing:
    """What all open pages do alike.

    :param principal: who has opened it; from then on who they are now
    """

    _frame: Frame

    def __init__(self, services: Services, principal: Principal) -> None:
        self._services = services
        self._principal = principal

    def _require(self) -> None:
        """Whether `_principal` may still use this page. :raises NotFound: no"""

    def _hear(self, handler: Callable[..., Awaitable[T]]) -> Callable[..., Awaitable[T | None]]:
        """Wrap a handler of events."""

        @functools.wraps(handler)
        async def heard(*arguments: Any) -> T | None:
            try:
                self._principal = await self._services.sessions.still(self._principal)
                self._require()
                return await handler(*arguments)
            except SignedOut:
                open_pages.close(self._principal.session_id)
            except AppError as error:
                logger.info('refused: %s', error)
                self._tell(failures.words(error))
            except Exception:  # a bug: the person must not wait for something that never comes
                logger.exception('%s failed', handler.__name__)
                self._tell(i18n.error('internal_error'))
            return None

        return heard

    def _tell(self, words: str) -> None:
        self._frame.show_banner(Banner(REFUSAL, words, 'warning', closable=True))
