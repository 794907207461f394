"""A chat app that answers Dify's Service API over real HTTP: the other side of the wire, for people without a Dify.

It is used when no Dify is configured, by the tests, and by `webapp demo-upstream`. Of this project it knows only how
bytes from a network are read. With a `Relay` a model answers, else a handbook. Its shapes, framing and refusals are
those of Dify 1.12.1; where later versions are stricter, so is this.
"""

from webapp.upstream.demo.app import build
from webapp.upstream.demo.inputs import SAMPLE as SAMPLE_FORM
from webapp.upstream.demo.model import Relay
from webapp.upstream.demo.server import serve

__all__ = ['SAMPLE_FORM', 'Relay', 'build', 'serve']
