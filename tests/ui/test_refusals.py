"""Pages for requests that come to nothing: whose they are, and what they say."""

from datetime import timedelta

import httpx
import pytest
from fastapi import FastAPI

from webapp.branding import Branding, logo
from webapp.edge import template
from webapp.errors import LimitReached, NotFound, Refused
from webapp.ui import refusals

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"/>'
FOR_PEOPLE = {'Accept': 'text/html'}


@pytest.fixture
def app() -> FastAPI:
    template.prepare()
    app = FastAPI()
    refusals.install(app, brand=Branding(name='Front <desk>', accent='#0000ff', logo=logo(SVG)))

    @app.get('/busy')
    def busy() -> None:
        raise Refused('too_busy', 'of a test', status=503)

    @app.get('/often')
    def often() -> None:
        minute = timedelta(minutes=1)
        raise LimitReached('too_many_messages', most=20, within=minute, wait=timedelta(seconds=13.2))

    @app.get('/yours')
    def yours() -> None:
        raise NotFound

    return app


async def get(app: FastAPI, path: str, headers: dict[str, str]) -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url='http://test') as client:
        return await client.get(path, headers=headers)


async def test_it_has_the_face_of_the_instance(app: FastAPI) -> None:
    page = (await get(app, '/nowhere', FOR_PEOPLE)).text
    assert '<title>There is nothing here · Front &lt;desk&gt;</title>' in page
    assert page.count('.svg"') == 2, 'icon and logo'
    assert '--accent: light-dark(' in page


async def test_without_a_look_of_its_own_there_is_no_empty_place_for_it() -> None:
    template.prepare()
    app = FastAPI()
    refusals.install(app)
    page = (await get(app, '/nowhere', FOR_PEOPLE)).text
    assert 'class="brand"' not in page
    assert '<title>There is nothing here</title>' in page


@pytest.mark.parametrize('path', ['/nowhere', '/yours'])
async def test_what_is_missing_names_nothing_that_the_page_has_not(app: FastAPI, path: str) -> None:
    answer = await get(app, path, FOR_PEOPLE)
    assert answer.status_code == 404
    assert 'list' not in answer.text.partition('<body>')[2]
    assert 'Begin a new conversation' in answer.text


async def test_what_is_refused_is_not_called_missing(app: FastAPI) -> None:
    answer = await get(app, '/busy', FOR_PEOPLE)
    assert answer.status_code == 503
    assert '<h1>This did not work</h1>' in answer.text
    assert 'The assistant is very busy.' in answer.text
    assert 'There is nothing here' not in answer.text


async def test_programs_get_the_code(app: FastAPI) -> None:
    assert (await get(app, '/yours', {'Accept': 'application/json'})).json()['code'] == 'not_found'


async def test_a_limit_says_when_to_go_on_to_people_and_to_programs(app: FastAPI) -> None:
    page, answer = await get(app, '/often', FOR_PEOPLE), await get(app, '/often', {})
    words = 'You have sent 20 messages within a minute. Go on in 14 seconds.'
    assert words in page.text
    assert answer.json() == {'code': 'too_many_messages', 'message': words}
    for each in (page, answer):
        assert (each.status_code, each.headers['retry-after']) == (429, '14')


async def test_other_refusals_promise_no_time(app: FastAPI) -> None:
    assert 'retry-after' not in (await get(app, '/busy', FOR_PEOPLE)).headers
