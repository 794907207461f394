"""How much may come from one address and be open for one person, as seen by somebody who lies about who they are."""

from contextlib import ExitStack

import httpx
from raw_page import RawPage, Small, Start, shakes, wait_for

PROXY = ('--proxy', '127.0.0.0/8')
FOR_PEOPLE = {'Accept': 'text/html'}


def arrive(small: Small, *forwarded_for: str) -> httpx.Response:
    """Come for the first time."""
    headers = [*FOR_PEOPLE.items(), *(('X-Forwarded-For', hop) for hop in forwarded_for)]
    return small.http().get('/', headers=headers)


def opens(small: Small, browser: httpx.Client) -> bool:
    page = browser.get('/')
    return page.status_code == 200 and shakes(RawPage(small.url, browser, page.text).shake())


def page_of(small: Small, address: str) -> RawPage:
    """A page as a new guest at `address` gets it, through the proxy."""
    http = small.http(headers={'X-Forwarded-For': address})
    return small.open_page(http)


def test_a_stranger_can_not_come_from_another_address_by_saying_so(start: Start) -> None:
    small = start('--guests', '--guests-per-minute', '2')
    answers = [arrive(small, f'192.0.2.{number}') for number in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 429, 429]
    late = answers[-1]
    assert 0 < int(late.headers['retry-after']) <= 60
    assert '2 people have come from your network within a minute. Try again in' in late.text
    assert 'set-cookie' not in late.headers


def test_behind_a_proxy_only_what_the_proxy_says_counts(start: Start) -> None:
    small = start('--guests', '--guests-per-minute', '2', *PROXY)
    spoofed = [arrive(small, f'203.0.113.{number}, 192.0.2.1').status_code for number in range(4)]
    assert spoofed == [200, 200, 429, 429]
    assert arrive(small, '192.0.2.2').status_code == 200


def test_one_page_too_many_is_told_so_and_the_older_ones_stay(start: Start) -> None:
    small = start('--guests', '--pages-per-user', '2')
    browser, other = small.http(headers=FOR_PEOPLE), small.http()
    browser.get('/')  # brings the cookie
    with ExitStack() as opened:
        first, second, third = (small.open_page(browser) for _ in range(3))
        sockets = [opened.enter_context(page.shake(document_id=page.tab)) for page in (first, second)]
        assert not shakes(third.shake())
        refused = browser.get('/')  # what the page's script does then
        assert refused.status_code == 429
        assert 'You have as many pages open here as one person may have.' in refused.text
        assert shakes(first.shake(document_id=first.tab)), 'a page whose connection was lost comes back'
        assert shakes(small.open_page(other).shake()), 'others have their own'
        sockets[1].close()
        wait_for(lambda: opens(small, browser))


def test_guests_of_one_address_have_their_pages_together(start: Start) -> None:
    small = start('--guests', '--pages-per-address', '2', *PROXY)
    with ExitStack() as opened:
        for host in ('2001:db8::1', '2001:db8::2'):
            opened.enter_context(page_of(small, host).shake())
        assert not shakes(page_of(small, '2001:db8::3').shake())
        assert shakes(page_of(small, '2001:db8:0:9::1').shake())
