"""The cookies by which browsers are known: each holds a random token and nothing else."""

from dataclasses import dataclass

from starlette.types import Scope


@dataclass(frozen=True, slots=True)
class Cookie:
    secure: bool
    seconds: int
    base: str = 'chat'
    is_within: bool = False  # pages of other sites: kept apart for each of those sites, where browsers know how to

    @property
    def name(self) -> str:
        """With the prefix, browsers take it only over https, and from this very host."""
        return f'__Host-{self.base}' if self.secure else self.base

    def read(self, scope: Scope) -> str | None:
        """The token in a request, if there is one and nothing else claims its name.

        No more is cut off around a name than browsers cut off: to them `\\xa0__Host-chat` has no prefix, and so anybody
        on a neighbouring host may set it for us.
        """
        jars = (value.decode('latin-1') for name, value in scope['headers'] if name == b'cookie')
        pairs = (pair.strip(' \t').partition('=') for jar in jars for pair in jar.split(';'))
        tokens = {value for name, _, value in pairs if name == self.name}
        return tokens.pop() if len(tokens) == 1 else None

    def setting(self, token: str) -> str:
        return f'{self.name}={token}; Max-Age={self.seconds}; {self._attributes}'

    def clearing(self) -> str:
        return f'{self.name}=; Max-Age=0; {self._attributes}'

    @property
    def _attributes(self) -> str:
        if self.is_within:
            return 'Path=/; HttpOnly; SameSite=None; Secure; Partitioned'  # taken from loopback without https too
        return f'Path=/; HttpOnly; SameSite=Lax{"; Secure" if self.secure else ""}'
