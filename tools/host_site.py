"""The app, and beside it a site that has the chat in its page, as two sites in the eyes of a browser.

Started by `make run HOST_SITE=1`. Both end with Ctrl-C. Without a `webapp.toml`, one with an embed for that site is
kept in `data/host-site`; with one, its own embed for that site is taken.
"""

import argparse
import os
import signal
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from webapp import settings
from webapp.listening import CannotListen, listen
from webapp.settings import environment, local_secret

DATA = Path('data', 'host-site')
SERVER = Path(__file__).parents[1] / 'docs' / 'embedding' / 'host' / 'server.py'
LOOPBACK, PORT = '127.0.0.1', 8081
SECRET = 'CHAT_SECRET'  # noqa: S105  the name of a variable
EMBED = """\
[[embeds]]
id = "example"
app = "{app}"
origins = ["{origin}"]
anonymous = true
layout = "bubble"
keys = [{{ kid = "k1", secret_env = "{secret}" }}]
"""


@dataclass(frozen=True)
class Embed:
    """What the site must know of an embed to sign for it."""

    id: str
    kid: str
    secret: str


class NoEmbed(Exception):
    """The message says what to do."""


def main() -> None:
    parser = argparse.ArgumentParser(description='The app, and beside it a site that has the chat in its page.')
    parser.add_argument('--port', type=int, default=PORT, help='of the site (default: %(default)s)')
    port = parser.parse_args().port
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(signal.SIGTERM + 128))
    origin = f'http://localhost:{port}'  # the app goes by 127.0.0.1: to a browser, another site
    try:
        listen(LOOPBACK, port).close()
    except CannotListen as error:
        is_taken = (
            f'Port {port}, for the site beside the app, is taken. Stop what listens there, or take another by --port.'
        )
        sys.exit(is_taken if error.is_taken else str(error))
    try:
        config = prepare(origin)
        chosen = settings.load(make_secret=False)
        embed = find(config, origin, environment.given())
        listen(chosen.host, chosen.port).close()
    except settings.SettingsError as error:
        sys.exit('\n'.join(('These settings make no sense:', *(f'- {problem}' for problem in error.problems))))
    except (NoEmbed, CannotListen) as error:
        sys.exit(str(error))
    serve(chosen.public_url, embed, port)


def serve(chat: str, embed: Embed, port: int) -> None:
    """Run both until the app ends, and end as it does."""
    print(f'The chat:                        {chat}')
    print(f'A site with the chat in a page:  http://localhost:{port}', flush=True)
    signs = {'CHAT_URL': chat, 'CHAT_EMBED': embed.id, 'CHAT_KID': embed.kid, SECRET: embed.secret}
    command = [sys.executable, str(SERVER), str(port)]
    site = subprocess.Popen(command, env=os.environ | signs, stdout=subprocess.DEVNULL)  # noqa: S603  our words
    app = subprocess.Popen([sys.executable, '-m', 'webapp', 'serve'])
    try:
        sys.exit(app.wait())
    except KeyboardInterrupt:
        sys.exit(app.wait())  # the terminal has told it, too
    finally:
        for process in (site, app):
            process.terminate()
            process.wait()


def prepare(origin: str) -> Path:
    """The operator's `webapp.toml`, or one of our own that the environment names from now on.

    :raises SettingsError: the settings make no sense
    """
    given = environment.given()
    os.environ[SECRET] = given.get(SECRET) or local_secret.keep(DATA)
    config = Path(given.get('WEBAPP_CONFIG') or settings.CONFIG_FILE)
    if config != settings.CONFIG_FILE or config.exists():
        return config
    apps = settings.load(make_secret=False).apps
    config = DATA / settings.CONFIG_FILE
    config.write_text(table(apps[0].slug if apps else settings.DEMO, origin), encoding='utf-8')
    os.environ['WEBAPP_CONFIG'] = str(config)
    return config


def find(config: Path, origin: str, given: Mapping[str, str]) -> Embed:
    """The first embed that `origin` may show, with a key whose secret we know.

    :param config: a file that the settings have found well
    :raises NoEmbed: there is none
    """
    content = tomllib.loads(config.read_text(encoding='utf-8'))
    for embed in content.get('embeds', ()):
        for key in embed.get('keys', ()) if origin in embed['origins'] else ():
            if secret := key.get('secret') or given.get(key.get('secret_env', '')):
                return Embed(embed['id'], key['kid'], secret)
    app = content['apps'][0]['slug'] if content.get('apps') else settings.DEMO
    raise NoEmbed(
        f'{config} has no embed for {origin} with a secret that is known. Add this one:\n\n{table(app, origin)}'
    )


def table(app: str, origin: str) -> str:
    """The embed of the site, as it stands in a `webapp.toml`. :param app: its slug"""
    return EMBED.format(app=app, origin=origin, secret=SECRET)


if __name__ == '__main__':
    main()
