"""What the image is built from: the wheel is whole, and runs without the checkout."""

import json
import re
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from pathlib import Path

import httpx
import pytest
from packaging.requirements import Requirement
from support.server import Server

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / 'pyproject.toml').read_text())['project']
DOCKERFILE = (ROOT / 'Dockerfile').read_text().replace('\\\n', ' ')


@pytest.fixture(scope='module')
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp('wheel')
    subprocess.run([sys.executable, '-m', 'hatchling', 'build', '-t', 'wheel', '-d', folder], cwd=ROOT, check=True)
    (built,) = folder.glob('*.whl')
    return built


@pytest.fixture(scope='module')
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`bin` of a virtual environment that holds the wheel alone, and borrows the dependencies that are here already."""
    folder = tmp_path_factory.mktemp('installed')
    subprocess.run([sys.executable, '-m', 'venv', '--without-pip', folder], check=True)
    python = folder / 'bin' / 'python'
    pip = [sys.executable, '-m', 'pip', '--python', python, 'install', '-q', '--no-deps', '--no-index', wheel]
    subprocess.run(pip, check=True)
    (packages,) = (folder / 'lib').glob('python*/site-packages')
    (packages / 'borrowed.pth').write_text(sysconfig.get_path('purelib'))
    return folder / 'bin'


def test_the_wheel_holds_every_file_of_the_app(wheel: Path) -> None:
    ours = {f'webapp/{name}' for name in files(ROOT / 'webapp')} | {
        f'webapp/static/{name}' for name in files(ROOT / 'static')
    }
    assert ours - set(zipfile.ZipFile(wheel).namelist()) == set()


def test_the_installed_app_serves_its_page_and_passes_the_images_health_check(installed: Path, tmp_path: Path) -> None:
    server = Server(tmp_path, {}, python=str(installed / 'python'))
    server.start()
    try:
        page = httpx.get(server.url, trust_env=False)
        assert page.status_code == httpx.codes.OK
        addresses = re.findall(r'(?:href|src)="(/static/[^"]+)"', page.text)
        assert addresses
        for address in addresses:
            assert httpx.get(server.url + address, trust_env=False).status_code == httpx.codes.OK
        health = [installed / 'python', *health_check()[1:]]
        environment = {'WEBAPP_PORT': str(server.port)}
        assert subprocess.run(health, env=environment, cwd=tmp_path, check=False).returncode == 0
    finally:
        server.stop()
    assert subprocess.run(health, env=environment, cwd=tmp_path, stderr=subprocess.DEVNULL, check=False).returncode == 1


def test_the_image_starts_the_command_that_the_wheel_installs(installed: Path) -> None:
    command, *arguments = json.loads(re.findall(r'^CMD (.+)$', DOCKERFILE, re.MULTILINE)[-1])
    shown = subprocess.run([installed / command, *arguments, '--help'], capture_output=True, text=True, check=True)
    assert '--port' in shown.stdout


def test_what_the_image_copies_is_there_and_not_ignored() -> None:
    let_in = {line[1:] for line in (ROOT / '.dockerignore').read_text().split() if line.startswith('!')}
    copied = {
        name for line in re.findall(r'^COPY (?!--from)(.+)$', DOCKERFILE, re.MULTILINE) for name in line.split()[:-1]
    }
    assert copied == let_in
    assert all((ROOT / name).exists() for name in copied)


def test_the_image_does_not_run_as_root() -> None:
    assert re.findall(r'^USER (.+)$', DOCKERFILE, re.MULTILINE) == ['webapp']


def test_constraints_pin_everything_exactly_and_name_no_place() -> None:
    lines = [line for line in (ROOT / 'constraints.txt').read_text().splitlines() if not line.startswith('#')]
    assert all(re.fullmatch(r'[a-z0-9._-]+==[\w.]+', line) for line in lines)
    pins = {canonical(name): version for name, version in (line.split('==') for line in lines)}
    wanted = PROJECT['dependencies'] + [text for extra in PROJECT['optional-dependencies'].values() for text in extra]
    for requirement in map(Requirement, wanted):
        assert requirement.specifier.contains(pins[canonical(requirement.name)]), requirement


def files(folder: Path) -> set[str]:
    found = (path for path in folder.rglob('*') if path.is_file() and '__pycache__' not in path.parts)
    return {path.relative_to(folder).as_posix() for path in found if not path.name.startswith('.')}


def health_check() -> list[str]:
    command: list[str] = json.loads(re.findall(r'^HEALTHCHECK .*CMD (\[.+\])$', DOCKERFILE, re.MULTILINE)[0])
    return command


def canonical(name: str) -> str:
    return re.sub(r'[-_.]+', '-', name).lower()
