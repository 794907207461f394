"""A browser that comes for the second time: it has the files already, and compiled, which is two thirds of the work."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, Frame, Page

SITE = 'http://127.0.0.1/'  # of all servers, whatever their port
FORGOTTEN = 'local_storage,indexeddb,service_workers,cache_storage'


class Experienced:
    """Of one test and the next it keeps the cached files and the process of its pages, and nothing else.

    :param context: of a browser with one process for a site
    """

    def __init__(self, context: BrowserContext) -> None:
        self.context = context
        self._keeper = context.new_page()  # of the process: it ends with the last page of its site
        self._keeper.route('**', lambda route: route.fulfill(body=''))
        self._keeper.goto(SITE)
        self._devtools = context.new_cdp_session(self._keeper)

    @contextmanager
    def page(self) -> Iterator[Page]:
        """A page as of a browser without a past."""
        origins: set[str] = set()

        def note(frame: Frame) -> None:
            address = urlsplit(frame.url)
            origins.add(f'{address.scheme}://{address.netloc}')

        page = self.context.new_page()
        page.on('framenavigated', note)
        try:
            yield page
        finally:
            for each in self.context.pages:
                if each is not self._keeper:
                    each.close()
            self._forget(origins)

    def _forget(self, origins: set[str]) -> None:
        self.context.clear_cookies()
        self.context.clear_permissions()
        for origin in origins:
            if origin.startswith('http'):
                given = {'origin': origin, 'storageTypes': FORGOTTEN}
                self._devtools.send('Storage.clearDataForOrigin', given)
