"""The first minute on somebody's machine: `make run` finds a Python that will do, or says plainly what to do."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAKE_VENV = ROOT / 'tools' / 'make-venv'
TOO_OLD = """case "$2" in
    *'(3, 11)'*) exit 1 ;;
    *print*) echo 3.9 ;;
esac"""
WITHOUT_VENV = f"""case "$2" in
    *ensurepip*) exit 1 ;;
    *) exec {sys.executable} "$@" ;;
esac"""
FITTING = f'exec {sys.executable} "$@"'


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """An empty folder of commands, the only one on the path."""
    (tmp_path / 'bin').mkdir()
    return tmp_path


def give(machine: Path, name: str, script: str) -> None:
    command = machine / 'bin' / name
    command.write_text(f'#!/bin/sh\n{script}\n')
    command.chmod(0o755)


def make_venv(machine: Path, *python: str) -> subprocess.CompletedProcess[str]:
    command = ['/bin/sh', str(MAKE_VENV), str(machine / 'venv'), *python]
    return subprocess.run(
        command, env=os.environ | {'PATH': str(machine / 'bin')}, capture_output=True, text=True, check=False
    )


def test_the_first_python_that_will_do_is_taken(machine: Path) -> None:
    give(machine, 'python3.13', WITHOUT_VENV)
    give(machine, 'python3.12', TOO_OLD)
    give(machine, 'python3', FITTING)
    made = make_venv(machine)
    assert made.returncode == 0, made.stderr
    assert (machine / 'venv' / 'bin' / 'python').exists()


def test_python_is_too_old(machine: Path) -> None:
    give(machine, 'python3', TOO_OLD)
    refused = make_venv(machine)
    assert refused.returncode == 1
    assert refused.stderr.startswith('Python 3.11 or newer is needed; the newest found here is 3.9.')


def test_pythons_venv_module_is_missing(machine: Path) -> None:
    give(machine, 'python3', WITHOUT_VENV)
    refused = make_venv(machine)
    assert refused.returncode == 1
    assert f'apt-get install python{sys.version_info.major}.{sys.version_info.minor}-venv' in refused.stderr


def test_there_is_no_python(machine: Path) -> None:
    assert 'No Python found.' in make_venv(machine).stderr


def test_the_python_that_was_asked_for_does_not_run(machine: Path) -> None:
    give(machine, 'python3', FITTING)
    refused = make_venv(machine, '/opt/python9')
    assert refused.returncode == 1
    assert '/opt/python9 does not run.' in refused.stderr


def test_an_installation_that_fails_says_where_to_look(tmp_path: Path) -> None:
    for name in ('Makefile', 'tools', 'pyproject.toml', 'constraints.txt', 'README.md', 'LICENSE'):
        (tmp_path / name).symlink_to(ROOT / name)
    failed = subprocess.run(
        ['make', 'run', f'PYTHON={sys.executable}'],
        cwd=tmp_path,
        env=os.environ | {'PIP_NO_INDEX': '1'},
        capture_output=True,
        text=True,
        check=False,
    )
    assert failed.returncode != 0
    assert 'Is the package index within reach?' in failed.stderr
    assert not (tmp_path / '.venv' / '.run').exists()  # so the next run tries again
