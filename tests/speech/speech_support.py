"""Sounds, and what a demo that can do everything with them takes."""

import io
import math
import struct
import wave

from webapp.upstream.demo.state import Abilities

ALL = Abilities(hears=True)


def wav(seconds: float = 1.0, *, loud: int = 3000, rate: int = 16_000) -> bytes:
    """A recording: one tone, or silence with `loud=0`."""
    held = io.BytesIO()
    samples = (round(loud * math.sin(at / 8)) for at in range(round(seconds * rate)))
    with wave.open(held, 'wb') as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(rate)
        sound.writeframes(b''.join(struct.pack('<h', sample) for sample in samples))
    return held.getvalue()


def seconds_of(sound: bytes) -> float:
    with wave.open(io.BytesIO(sound)) as opened:
        return opened.getnframes() / opened.getframerate()
