"""What the script of a sheet says and hears, without a browser."""

from support.raw_page import RawPage
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection


def fire(page: RawPage, socket: ClientConnection, type_: str, *values: object) -> None:
    element, listener = next((id_, to) for id_, tag, kind, to in page.listeners if kind == type_ and 'sheet' in tag)
    socket.send(page.event(element, listener, list(values)))


def until(socket: ClientConnection, *words: str) -> str:
    """Everything that is heard until one of the words is."""
    heard = ''
    while not any(word in heard for word in words):
        try:
            frame = str(socket.recv(timeout=20))
        except ConnectionClosed:
            break
        if frame == '2':
            socket.send('3')
        heard += frame
    assert any(word in heard for word in words), heard
    return heard
