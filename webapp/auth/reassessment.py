"""What people are follows from the settings; what is written down of it follows at the next start."""

import logging
from collections.abc import Callable
from datetime import datetime

from webapp import clock
from webapp.auth.admission import Admission
from webapp.errors import StoreUnavailable
from webapp.store import roles
from webapp.store.database import Store

logger = logging.getLogger(__name__)

BATCH = 500  # identities compared at once


async def reassess(
    store: Store, admission: Admission, *, now: Callable[[], datetime] = clock.now, size: int = BATCH
) -> int:
    """Bring the roles that are written down up to the settings, with entries in the audit log; how many changed."""
    changed, after = 0, ''
    try:
        while True:
            batch = await store.read(roles.batch, role_of=admission.role, after=after, size=size)
            if batch.outdated:
                changed += await store.write(roles.settle, ids=batch.outdated, role_of=admission.role, now=now())
            if not (after := batch.last):
                break
    except StoreUnavailable as error:
        logger.warning('roles are written down as they were until the next start: %s', error)
    if changed:
        logger.info('%d people have another role by the settings as they are now', changed)
    return changed
