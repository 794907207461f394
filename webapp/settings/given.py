"""What the operator has given, and what is wrong with it; each module beside this one reads a part."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from webapp.settings.config_file import CONFIG_FILE
from webapp.settings.environment import Environment
from webapp.settings.tables import ConfigFile


@dataclass(frozen=True, slots=True)
class Given:
    """A part that is read becomes a value, usable or not, and complains of what it finds."""

    env: Environment
    file: ConfigFile
    variables: Mapping[str, str]  # all of them: keys and secrets are in those that the file names
    problems: list[str] = field(default_factory=list)

    def complain(self, problem: str) -> None:
        """:param problem: a sentence that names the setting and what to do"""
        self.problems.append(problem)

    @property
    def folder(self) -> Path:
        """From which the paths in the file go out."""
        return (self.env.config or CONFIG_FILE).parent

    @property
    def can_sign_in(self) -> bool:
        return bool(self.file.providers) or self.env.oidc_issuer is not None

    @property
    def is_open(self) -> bool:
        """Whether people come in who are not this computer's user."""
        return self.env.guests or self.can_sign_in
