"""The image, without Docker: the wheel is whole, and every step of the Dockerfile does what it should."""

import os
import re
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from pathlib import Path

import dockerfile
import httpx
import pytest
from dockerfile import Image
from packaging.requirements import Requirement
from support import direct
from support.server import OURS, Server, free_port

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / 'pyproject.toml').read_text())['project']
BUILD, FINAL = dockerfile.parse(ROOT / 'Dockerfile')
FOLDERS = ('app', 'data', 'source', 'wheels')


@pytest.fixture(scope='module')
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp('wheel')
    subprocess.run([sys.executable, '-m', 'hatchling', 'build', '-t', 'wheel', '-d', folder], cwd=ROOT, check=True)
    (built,) = folder.glob('*.whl')
    return built


@pytest.fixture(scope='module')
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    """What the Dockerfile's first stage makes, its steps run one by one.

    Dependencies are borrowed from where the tests run; everything else is the wheel's own.
    """
    image = Image(tmp_path_factory.mktemp('image'), FOLDERS)
    packages = sysconfig.get_path('purelib')
    shims = tmp_path_factory.mktemp('shims')
    (shims / 'python').symlink_to(sys.executable)
    environment = {
        'PATH': f'{shims}:{os.environ["PATH"]}',
        'PIP_NO_INDEX': '1',
        'PIP_NO_BUILD_ISOLATION': '0',  # pip's way to say: none
        'PIP_DISABLE_PIP_VERSION_CHECK': '1',
        'PYTHONPATH': packages,
    }
    image.build(BUILD, ROOT, environment, {})
    (own,) = Path(image.here('/app')).glob('lib/python*/site-packages')
    (own / 'borrowed.pth').write_text(packages)
    return image


def test_the_wheel_holds_every_file_of_the_app(wheel: Path) -> None:
    ours = {f'webapp/{name}' for name in files(ROOT / 'webapp')} | {
        f'webapp/static/{name}' for name in files(ROOT / 'static')
    }
    assert ours - set(zipfile.ZipFile(wheel).namelist()) == set()
    for folder in ('static', 'ui/templates', 'ui/locale', 'store/migrations/versions', 'upstream/demo/handbook'):
        assert any(name.startswith(f'webapp/{folder}/') for name in ours), folder


def test_the_image_holds_the_wheel_and_not_the_checkout(image: Image, tmp_path: Path) -> None:
    python = Path(image.here('/app/bin/python'))
    where = subprocess.run(
        [python, '-c', 'import webapp; print(webapp.__file__)'],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(where.stdout.strip()).is_relative_to(image.root)


def test_the_image_serves_its_page_and_passes_its_health_check(image: Image, tmp_path: Path) -> None:
    server = Server(tmp_path, {}, python=image.here('/app/bin/python'))
    server.start()
    try:
        page = direct.get(server.url)
        assert page.status_code == httpx.codes.OK
        addresses = re.findall(r'(?:href|src)="(/static/[^"]+)"', page.text)
        assert addresses
        for address in addresses:
            assert direct.get(server.url + address).status_code == httpx.codes.OK
        # a company's proxy is for the way out, and no part of our health
        environment = {'WEBAPP_PORT': str(server.port), 'http_proxy': 'http://127.0.0.1:9'}
        health = [image.here('/app/bin/python'), *FINAL.command('HEALTHCHECK')[1:]]
        assert subprocess.run(health, env=environment, cwd=tmp_path, check=False).returncode == 0
    finally:
        server.stop()
    assert subprocess.run(health, env=environment, cwd=tmp_path, stderr=subprocess.DEVNULL, check=False).returncode == 1


def test_the_image_starts_with_its_own_command_and_settings(image: Image, tmp_path: Path) -> None:
    """As in the README: published on loopback, nothing else set."""
    port = free_port()
    settings = {
        name: image.here(value.replace('$PATH', os.environ['PATH'])) for name, value in FINAL.environment.items()
    }
    data = Path(image.here('/data'))
    data.mkdir(exist_ok=True)
    command, *arguments = FINAL.command()
    own = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    with subprocess.Popen(
        [image.here(f'/app/bin/{command}'), *arguments],
        cwd=image.here(FINAL.last('WORKDIR')),
        env=own | settings | {'WEBAPP_LOCAL': 'true', 'WEBAPP_PORT': str(port)},
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stderr
            assert f'Open http://127.0.0.1:{port}' in next(process.stderr)
            assert direct.get(f'http://127.0.0.1:{port}/readyz').json()['status'] == 'ok'
            assert (data / 'webapp.db').exists()
        finally:
            process.terminate()
        assert process.wait(20) == 0


def test_what_the_image_copies_is_there_and_not_ignored() -> None:
    let_in = {line[1:] for line in (ROOT / '.dockerignore').read_text().split() if line.startswith('!')}
    copied = {name for instruction, rest in BUILD.steps if instruction == 'COPY' for name in rest.split()[:-1]}
    assert copied == let_in
    assert all((ROOT / name).exists() for name in copied)


def test_the_image_does_not_run_as_root_and_owns_its_data() -> None:
    run, user = FINAL.last('RUN'), FINAL.last('USER')
    number = re.findall(r'useradd .*--uid (\d+) .*?(\w+) &&', run)
    assert number == [(user.partition(':')[0], 'webapp')]
    assert int(user.partition(':')[0]) > 0
    made = re.findall(r'install -d -o webapp -g webapp -m 700 (/\S+)', run)
    assert made == [FINAL.last('VOLUME')] == [FINAL.last('WORKDIR')]
    assert FINAL.environment['DATABASE_URL'].startswith(f'sqlite:///{made[0]}/')
    steps = [name for name, _ in FINAL.steps]
    assert steps.index('RUN') < steps.index('USER') < steps.index('VOLUME')


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


def canonical(name: str) -> str:
    return re.sub(r'[-_.]+', '-', name).lower()
