"""What was found, for people and for machines."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from enum import StrEnum

from webapp import __version__, log

MAX_TEXT = 500  # characters


class State(StrEnum):
    OK = 'ok'
    SKIPPED = 'skipped'
    WARNING = 'warning'
    WRONG = 'wrong'


COLORS = {State.OK: '32', State.SKIPPED: '2', State.WARNING: '33', State.WRONG: '1;31'}


@dataclass(frozen=True, slots=True)
class Finding:
    check: str  # what was looked at, such as 'database' or 'app support'
    state: State
    text: str
    remedy: str = ''  # what to do, if anything


@dataclass(frozen=True, slots=True)
class Report:
    findings: tuple[Finding, ...]

    @classmethod
    def of(cls, findings: Iterable[Finding], *, secrets: Iterable[str]) -> 'Report':
        """:param secrets: never shown, whoever may have repeated them"""
        blot = log.blotter(secrets)

        def clean(text: str) -> str:
            text = ''.join(c if c.isprintable() else '?' for c in blot.sub(log.BLOT, text))
            return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + '…'

        return cls(
            tuple(replace(f, check=clean(f.check), text=clean(f.text), remedy=clean(f.remedy)) for f in findings)
        )

    @property
    def is_wrong(self) -> bool:
        return self._count(State.WRONG) > 0

    def as_text(self, *, color: bool = False) -> str:
        """A line per check, with a word at its beginning that needs no colour; then what to do, where there is such."""
        return '\n'.join((*self._lines(color), '', self._sum()))

    def as_json(self) -> str:
        status = next((s for s in (State.WRONG, State.WARNING) if self._count(s)), State.OK)
        content = {'status': status, 'version': __version__, 'checks': [asdict(finding) for finding in self.findings]}
        return json.dumps(content, indent=2)

    def _lines(self, color: bool) -> Iterator[str]:
        width = max((len(finding.check) for finding in self.findings), default=0)
        for finding in self.findings:
            word = f'{finding.state.upper() if finding.state is State.WRONG else finding.state:<7}'
            if color:
                word = f'\033[{COLORS[finding.state]}m{word}\033[0m'
            yield f'{word}  {finding.check:<{width}}  {finding.text}'
            if finding.remedy:
                yield f'{" " * (7 + 2 + width)}  -> {finding.remedy}'

    def _sum(self) -> str:
        wrong, warnings = self._count(State.WRONG), self._count(State.WARNING)
        if not wrong and not warnings:
            return 'All is well.'
        words = [f'{n} {word}{"s" * (n > 1)}' for n, word in ((wrong, 'problem'), (warnings, 'warning')) if n]
        return f'{" and ".join(words)}.'

    def _count(self, state: State) -> int:
        return sum(finding.state is state for finding in self.findings)
