"""One request, as far as sessions are concerned: who sends it, what it brings, and what goes back with its answer."""

from dataclasses import dataclass

from starlette.types import Scope

from webapp.auth.cookies import Cookie

VISIT = 'webapp.visit'  # in the scope of a request


@dataclass(slots=True)
class Visit:
    known_by: Cookie | None = None  # it brought that of a live session
    cookie: str = ''  # to set with the answer

    @staticmethod
    def of(scope: Scope) -> 'Visit':
        visit = scope[VISIT]
        assert isinstance(visit, Visit)
        return visit


def address(scope: Scope) -> str:
    """From where a request comes, as far as the proxies tell."""
    return (scope.get('client') or ('',))[0]


def device(scope: Scope) -> str:
    """What the browser calls itself."""
    return next((value.decode('latin-1') for name, value in scope['headers'] if name == b'user-agent'), '')
