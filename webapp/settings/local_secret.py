"""The secret of local mode: made once, kept in a file that only we can read."""

import os
import secrets
from pathlib import Path

NAME = 'secret'
MIN_BYTES = 32
MIN_DISTINCT = 8  # different characters; 32 random hex digits have more


def weakness(secret: str) -> str | None:
    """Why `secret` is none, or nothing if it may do."""
    if len(secret.encode()) < MIN_BYTES:
        return f'is shorter than {MIN_BYTES} bytes'
    if len(set(secret)) < MIN_DISTINCT:
        return 'repeats too few characters'
    return None


def keep(folder: Path) -> str:
    """The secret of this folder.

    :raises OSError: it can't be read or written
    :raises ValueError: the file holds none
    """
    path = folder / NAME
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        _make(path)
    path.chmod(0o600)
    secret = path.read_text(encoding='ascii').strip()
    if weakness(secret):
        raise ValueError(f'{path} is damaged')
    return secret


def _make(path: Path) -> None:
    """Write it aside and link it into place: of processes that start at once one wins, and nobody reads a half."""
    aside = path.with_name(f'.{NAME}.{secrets.token_hex(8)}')
    try:
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), 'w') as file:
            file.write(secrets.token_hex(MIN_BYTES) + '\n')
        try:
            os.link(aside, path)
        except FileExistsError:
            return
    finally:
        aside.unlink(missing_ok=True)
