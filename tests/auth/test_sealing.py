"""Whoever reads the database learns nothing of a provider's tokens."""

from webapp.auth.sealing import Sealing

SECRET = '0123456789abcdef0123456789abcdef'


def test_what_is_sealed_comes_out_again_and_never_looks_the_same() -> None:
    sealing = Sealing(SECRET)
    first, second = sealing.seal('token é'), sealing.seal('token é')
    assert first != second
    assert 'token' not in first
    assert Sealing(SECRET).open(first) == sealing.open(second) == 'token é'
    assert sealing.seal('') == sealing.open('') == ''


def test_nobody_else_can_open_it() -> None:
    sealed = Sealing(SECRET).seal('token')
    assert Sealing(SECRET[::-1]).open(sealed) == ''
    assert Sealing(SECRET).open(sealed[:-4] + 'AAA=') == ''
    assert Sealing(SECRET).open('é') == ''
