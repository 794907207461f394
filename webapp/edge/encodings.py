"""The encodings that we can give a body, and which one a client wants."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import brotli


class Encoder(Protocol):
    def process(self, data: bytes) -> bytes: ...
    def flush(self) -> bytes: ...
    def finish(self) -> bytes: ...


class Gzip:
    def __init__(self, level: int) -> None:
        self._encoder = zlib.compressobj(level, wbits=zlib.MAX_WBITS | 16)

    def process(self, data: bytes) -> bytes:
        return self._encoder.compress(data)

    def flush(self) -> bytes:
        return self._encoder.flush(zlib.Z_SYNC_FLUSH)

    def finish(self) -> bytes:
        return self._encoder.flush()


@dataclass(frozen=True, slots=True)
class Encoding:
    name: str
    quick: int  # level for what is made anew each time
    thorough: int  # level for what is made once; NiceGUI's files: brotli 9 is 130 ms and 267 kB, 11 is 1.4 s and 247 kB

    def encoder(self, level: int) -> Encoder:
        return brotli.Compressor(quality=level) if self.name == 'br' else Gzip(level)

    def encode(self, body: bytes, level: int) -> bytes:
        encoder = self.encoder(level)
        return encoder.process(body) + encoder.finish()


BROTLI = Encoding('br', quick=5, thorough=9)
GZIP = Encoding('gzip', quick=4, thorough=9)


def chosen(accept: Sequence[str]) -> Encoding | None:
    """The best encoding that all values of `Accept-Encoding` together allow; nothing if the body must stay as it is."""
    weights: dict[str, float] = {}
    for offer in ','.join(accept).lower().split(','):
        name, _, parameters = offer.partition(';')
        weights[name.strip()] = _weight(parameters)
    offered = [e for e in (BROTLI, GZIP) if weights.get(e.name, weights.get('*', 0.0)) > 0]
    return max(offered, key=lambda e: weights.get(e.name, weights.get('*', 0.0)), default=None)


def _weight(parameters: str) -> float:
    key, _, value = parameters.strip().partition('=')
    try:
        return float(value) if key.strip() == 'q' else 1.0
    except ValueError:
        return 0.0
