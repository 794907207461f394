"""What the doctor says, read as a machine would; and servers with something wrong about them."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from joserfc.jwk import OKPKey
from support.command import run

KEY = OKPKey.generate_key('Ed25519', {'use': 'sig', 'kid': 'one'}).as_dict(private=False)
INFO = {'name': 'Support', 'mode': 'advanced-chat', 'description': '', 'tags': []}


@dataclass(frozen=True)
class Diagnosis:
    status: int
    output: str
    checks: list[dict[str, str]]

    def __getitem__(self, check: str) -> str:
        """The first thing said of a check."""
        return self.texts(check)[0]

    def texts(self, check: str) -> list[str]:
        return [found['text'] for found in self.checks if found['check'] == check]

    @property
    def states(self) -> dict[str, str]:
        return {found['check']: found['state'] for found in self.checks}

    @property
    def remedies(self) -> dict[str, str]:
        return {found['check']: found['remedy'] for found in self.checks if found['remedy']}

    @property
    def bad(self) -> dict[str, str]:
        """Everything but what is well."""
        return {found['check']: found['text'] for found in self.checks if found['state'] in {'warning', 'wrong'}}


def examine(folder: Path, *, patience: float = 60, **settings: str) -> Diagnosis:
    ended = run(folder, 'doctor', '--format', 'json', patience=patience, **{'WEBAPP_PORT': '0'} | settings)
    told = json.loads(ended.answered)
    states = {check['state'] for check in told['checks']}
    assert told['status'] == next((state for state in ('wrong', 'warning') if state in states), 'ok')
    return Diagnosis(ended.status, ended.answered + ended.said, told['checks'])


@dataclass
class Upstream:
    """What a server answers on each path behind /v1, whoever asks."""

    version: str = '1.13.0'
    info: Mapping[str, object] = field(default_factory=lambda: INFO)
    parameters: Mapping[str, object] = field(default_factory=dict)
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    page: str = ''  # sent everywhere in place of JSON

    def answer(self, path: str) -> bytes:
        if self.page:
            return self.page.encode()
        found = {'/v1/info': self.info, '/v1/parameters': self.parameters}
        return json.dumps(found.get(path, {'server_version': self.version})).encode()


Start = Callable[[Upstream], str]


@dataclass
class Issuer(Upstream):
    """An OpenID provider, as far as it speaks of itself. `said` may be filled when the address is known."""

    said: dict[str, object] = field(default_factory=dict)
    keys: list[Mapping[str, str]] = field(default_factory=lambda: [KEY])

    def answer(self, path: str) -> bytes:
        if self.page:
            return self.page.encode()
        found = {'/.well-known/openid-configuration': self.said, '/keys': {'keys': self.keys}}
        return json.dumps(found.get(path, {})).encode()

    def describe(self, url: str, **changes: object) -> None:
        own = {f'{end}_endpoint': f'{url}/{end}' for end in ('authorization', 'token')}
        self.said.update({'issuer': url, 'jwks_uri': f'{url}/keys'} | own | changes)
