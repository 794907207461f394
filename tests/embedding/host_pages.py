"""A site that has the chat on its pages, and a stand-in for the frame that keeps to the contract of messages."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Frame, Page, Route, expect
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route as Path
from support.serving import serving

from webapp.edge import assets

# Notes what it hears, also across pages of its own; `say` sends as the real frame would. Its entry goes on to the chat
# when somebody is named, unless it is told to `stay`.
FRAME = """<!doctype html><html lang="en"><title>Chat</title><meta name="viewport" content="width=device-width">
<style>
  :root { color-scheme: light dark; background: light-dark(#fff, #191817); font: 16px/1.5 system-ui }
  body { display: flex; flex-direction: column; height: 100vh; margin: 0 }
  header { display: flex; padding: 12px 16px; border-bottom: 1px solid light-dark(#e3ded5, #35322d) }
  header b { flex: 1 } main { flex: 1; padding: 16px }
  textarea { margin: 16px; padding: 12px; border-radius: 16px; font: inherit }
</style>
<header><b>Help desk</b><button id="close" aria-label="Close chat">&times;</button></header>
<main>How may I help you?</main><textarea aria-label="Question" placeholder="Your question"></textarea>
<script>
  const query = new URLSearchParams(location.search);
  const stage = location.pathname.endsWith("/chat") ? "chat" : "entry";
  const host = query.get("origin");
  window.name ||= "[]";
  const heard = () => JSON.parse(window.name);
  const say = (type, values) => parent.postMessage({ type: `chat:${type}`, version: 1, ...values }, host);
  const go = (path) => location.replace(`${path}?${query}`);
  const base = location.pathname.replace(/\\/chat$/, "");
  addEventListener("message", ({ data, origin, source }) => {
    if (source !== parent || origin !== host || data.version !== 1) return;
    const { type, version, ...values } = data;
    window.name = JSON.stringify([...heard(), [stage, type.slice(5), values]]);
    if (type === "chat:identify" && stage === "entry" && !query.has("header")) go(`${base}/chat`);
    if (type === "chat:identify" && stage === "chat" || type === "chat:logout") go(base);
    if (type === "chat:open") say("opened");
    if (type === "chat:close") say("closed");
  });
  document.getElementById("close").onclick = () => say("closed");
  document.body.onkeydown = ({ key }) => key === "Escape" && say("closed");
  say("ready", { embed: base.split("/").pop(), stage });
</script>"""


@dataclass
class Chat:
    """Where the chat lives, as the host's pages name it."""

    url: str

    @property
    def script(self) -> str:
        return f'{self.url}/static/embed.js'


@dataclass
class HostSite:
    """`url` is of another origin than the chat's. Pages are put there by tests."""

    url: str
    chat: Chat
    pages: dict[str, tuple[str, dict[str, str]]] = field(default_factory=dict)

    def tag(self, embed: str = 'desk', **attributes: str) -> str:
        """The script tag: `tag(layout='full', token_url='/token')`."""
        given = ''.join(f' data-{name.replace("_", "-")}="{value}"' for name, value in attributes.items())
        return f'<script nonce="n" src="{self.chat.script}" data-embed="{embed}"{given}></script>'

    def add(self, body: str, path: str = '/', *, head: str = '', policy: str = '') -> str:
        """Publish a page; its address."""
        html = f'<!doctype html><html lang="en"><meta name="viewport" content="width=device-width">{head}<body>{body}'
        self.pages[path] = html, {'content-security-policy': policy} if policy else {}
        return f'{self.url}{path}'


@contextmanager
def host_site() -> Iterator[HostSite]:
    site = HostSite('', Chat(''))

    async def page(request: Request) -> Response:
        if request.url.path == '/favicon.ico':
            return Response(status_code=204)
        if request.url.path not in site.pages:
            return Response(status_code=404)
        html, headers = site.pages[request.url.path]
        return HTMLResponse(html, headers=headers)

    async def script(_: Request) -> Response:
        source = (assets.static_dir() / 'embed.js').read_bytes()
        return Response(source, media_type='text/javascript')

    async def frame(_: Request) -> Response:
        return HTMLResponse(FRAME)

    chat = Starlette(
        routes=[
            Path('/static/embed.js', script),
            Path('/embed/{embed}', frame),
            Path('/embed/{embed}/chat', frame),
        ]
    )
    with serving(Starlette(routes=[Path('/{path:path}', page)])) as host, serving(chat) as url:
        site.url, site.chat.url = host.replace('127.0.0.1', 'localhost'), url
        yield site


class Tokens:
    """The host's address of tokens: requests wait until a test answers them."""

    def __init__(self, page: Page, path: str = '/token') -> None:
        self.page = page
        self.waiting: list[Route] = []

        def hold(route: Route) -> None:
            self.waiting.append(route)

        page.route(f'**{path}', hold)

    def wait(self, count: int) -> None:
        """Until so many have been asked for."""
        while len(self.waiting) < count:
            self.page.wait_for_timeout(20)

    def answer(self, number: int, token: str = '', *, status: int = 200) -> None:
        self.wait(number + 1)
        self.waiting[number].fulfill(status=status, body=token)


def bubble(page: Page) -> Any:
    return page.locator('webapp-chat .bubble')


def panel(page: Page) -> Any:
    return page.locator('webapp-chat dialog')


def frame(page: Page, embed: str = 'desk') -> Frame:
    """The chat's frame, once it has come to the chat."""
    where = page.locator(f'iframe[src*="/embed/{embed}?"]')
    expect(where).to_have_count(1)
    found = where.element_handle().content_frame()
    assert found
    found.wait_for_url('**/chat?*')
    return found


def heard(frame: Frame, *names: str) -> list[tuple[str, dict[str, Any]]]:
    """What the frame was told so far, of these names; without what tells whether it is shown."""
    messages = frame.evaluate('heard()')
    return [(name, values) for _, name, values in messages if name in names or (not names and name not in SHOWN)]


SHOWN = {'open', 'close'}
