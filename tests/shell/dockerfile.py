"""Reads a Dockerfile, and runs the steps of its stages in folders in place of images."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Stage:
    name: str
    steps: list[tuple[str, str]] = field(default_factory=list)  # instruction, the rest of its line

    def last(self, instruction: str) -> str:
        return [rest for name, rest in self.steps if name == instruction][-1]

    def command(self, instruction: str = 'CMD') -> list[str]:
        """The list after CMD, alone or behind another instruction."""
        found: list[str] = json.loads(self.last(instruction).rpartition('CMD ')[2])
        return found

    @property
    def environment(self) -> dict[str, str]:
        return dict(pair.split('=', 1) for pair in self.last('ENV').split())


def parse(file: Path) -> list[Stage]:
    stages: list[Stage] = []
    lines = re.sub(r'^#.*\n', '', file.read_text(), flags=re.MULTILINE).replace('\\\n', ' ').splitlines()
    for line in filter(None, map(str.strip, lines)):
        instruction, rest = line.split(maxsplit=1)
        if instruction == 'FROM':
            stages.append(Stage(rest.partition(' AS ')[2]))
        else:
            stages[-1].steps.append((instruction, ' '.join(rest.split())))
    return stages


@dataclass
class Image:
    """A folder that stands for the root of a file system.

    :param folders: top folders that steps name, which are those of `root` then
    """

    root: Path
    folders: tuple[str, ...]

    def here(self, text: str) -> str:
        """`text` with the image's paths as ours."""
        return re.sub(rf'(?<![\w.-])/({"|".join(self.folders)})(?![\w-])', rf'{self.root}/\1', text)

    def build(self, stage: Stage, context: Path, environment: Mapping[str, str], others: Mapping[str, 'Image']) -> None:
        """Every WORKDIR, COPY and RUN of a stage, in their order."""
        place = self.root
        for instruction, rest in stage.steps:
            match instruction:
                case 'WORKDIR':
                    place = Path(self.here(rest))
                    place.mkdir(parents=True, exist_ok=True)
                case 'COPY' if rest.startswith('--from='):
                    origin, source, target = rest.removeprefix('--from=').split()
                    copy(Path(others[origin].here(source)), Path(self.here(target)))
                case 'COPY':
                    *sources, target = rest.split()
                    for source in sources:
                        copy(context / source, place / target / (source if target.startswith('.') else ''))
                case 'RUN':
                    self.run(rest, place, environment)

    def run(self, command: str, place: Path, environment: Mapping[str, str]) -> None:
        subprocess.run(
            ['/bin/sh', '-ec', self.here(command)], cwd=place, env=os.environ | dict(environment), check=True
        )


def copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True, ignore=shutil.ignore_patterns('__pycache__'))
    else:
        shutil.copy2(source, target)
