"""Requests to servers on this computer: around any proxy, and without the certificates of all the world."""

from typing import Any

import httpx

PLAIN: dict[str, Any] = {'trust_env': False, 'verify': False}  # reading certificates takes longer than the request


def client(url: str, **options: Any) -> httpx.Client:
    """A browser's worth of HTTP: keeps cookies."""
    return httpx.Client(base_url=url, **PLAIN | options)


def get(url: str, **options: Any) -> httpx.Response:
    return httpx.get(url, **PLAIN | options)


def post(url: str, **options: Any) -> httpx.Response:
    return httpx.post(url, **PLAIN | options)
