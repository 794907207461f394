"""What browsers call themselves, in words."""

import pytest

from webapp.ui.devices import described

WEBKIT = 'AppleWebKit/537.36 (KHTML, like Gecko)'


@pytest.mark.parametrize(
    ('user_agent', 'words'),
    [
        (f'Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/141.0.0.0 Safari/537.36', 'Chrome on Windows'),
        (f'Mozilla/5.0 (Windows NT 10.0) {WEBKIT} Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0', 'Edge on Windows'),
        (f'Mozilla/5.0 (X11; Linux x86_64) {WEBKIT} Chrome/141.0 Safari/537.36 OPR/120.0', 'Opera on Linux'),
        (f'Mozilla/5.0 (X11; CrOS x86_64 1.0) {WEBKIT} Chrome/141.0 Safari/537.36', 'Chrome on ChromeOS'),
        (f'Mozilla/5.0 (Linux; Android 15; K) {WEBKIT} Chrome/141.0 Mobile Safari/537.36', 'Chrome on Android'),
        (
            f'Mozilla/5.0 (Linux; Android 15; K) {WEBKIT} SamsungBrowser/28.0 Chrome/130.0 Mobile Safari/537.36',
            'Samsung on Android',
        ),
        ('Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', 'Firefox on Linux'),
        (
            'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1 (KHTML) Version/18.0 Safari/605.1.15',
            'Safari on macOS',
        ),
        (
            'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1 (KHTML) Version/18.0 '
            'Mobile/15E148 Safari/604.1',
            'Safari on iPhone',
        ),
        (
            'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1 (KHTML) CriOS/141.0 '
            'Mobile/15E148 Safari/604.1',
            'Chrome on iPhone',
        ),
        ('curl/8.14.1', 'curl'),
        ('python-httpx/0.28.1', 'python-httpx'),
        ('Mozilla/5.0 (Windows NT 10.0)', 'Windows'),
        ('Mozilla/5.0', 'Unknown browser'),
        ('<script>alert(1)</script>', 'Unknown browser'),
        ('', 'Unknown browser'),
    ],
)
def test_browser_and_system_by_name(user_agent: str, words: str) -> None:
    assert described(user_agent) == words
