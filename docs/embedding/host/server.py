"""A site with the chat in it: shows one page, and tells the chat who is signed in. Its settings are those of sign.py.

Signing in is only played here: whoever asks for a role gets it. Yours asks for a password, or has a session already.
"""

import html
import sys
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from string import Template

sys.path.insert(0, str(Path(__file__).parents[1]))
from sign import chat_token, setting

HERE = Path(__file__).parent
PORT = 8081
TYPES = {'host.css': 'text/css', 'host.js': 'text/javascript', 'icon.svg': 'image/svg+xml'}
POLICY = (
    "default-src 'none'; script-src 'self' {chat}; frame-src {chat}; connect-src 'self'; style-src 'self'; "
    "img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
ROLES = {
    'customer-a': {'sub': 'customer-a', 'name': 'Customer A', 'email': 'a@customers.example', 'email_verified': True},
    'customer-b': {'sub': 'customer-b', 'name': 'Customer B', 'groups': ['hire']},
}


class Site(BaseHTTPRequestHandler):
    def do_GET(self):
        name = self.path.partition('?')[0].removeprefix('/')
        if name == '':
            page = Template((HERE / 'index.html').read_text(encoding='utf-8'))
            values = {'chat': chat(), 'embed': setting('CHAT_EMBED'), 'who': (self.user() or {}).get('name', '')}
            self.answer(200, page.substitute({key: html.escape(value) for key, value in values.items()}), 'text/html')
        elif name == 'chat-token':
            user = self.user()
            self.answer(200, chat_token(user)) if user else self.answer(204)
        elif name in TYPES:
            self.answer(200, (HERE / name).read_text(encoding='utf-8'), TYPES[name])
        else:
            self.answer(404, 'There is nothing here.')

    def do_POST(self):
        role = self.path.removeprefix('/sign-in/')
        if role not in ROLES and self.path != '/sign-out':
            self.answer(404, 'There is nothing here.')
        else:
            self.answer(204, cookie=f'role={role}' if role in ROLES else 'role=; Max-Age=0')

    def user(self):
        """Who is signed in, by the cookie that we set."""
        role = SimpleCookie(self.headers.get('Cookie', '')).get('role')
        return ROLES.get(role.value) if role else None

    def answer(self, status, text='', kind='text/plain', cookie=None):
        self.send_response(status)
        if cookie:
            self.send_header('Set-Cookie', f'{cookie}; Path=/; HttpOnly; SameSite=Lax')
        if text:
            self.send_header('Content-Type', f'{kind}; charset=utf-8')
        self.send_header('Cache-Control', 'no-store')
        self.send_header('Content-Security-Policy', POLICY.format(chat=chat()))
        self.send_header('X-Content-Type-Options', 'nosniff')
        self.end_headers()
        self.wfile.write(text.encode())


def chat():
    return setting('CHAT_URL').rstrip('/')


def main(port=PORT):
    chat_token(ROLES['customer-a'])  # what is missing in the settings is said now, not to the first who signs in
    with ThreadingHTTPServer(('127.0.0.1', port), Site) as server:
        print(f'Open http://localhost:{port}', flush=True)
        server.serve_forever()


if __name__ == '__main__':
    try:
        main(*map(int, sys.argv[1:]))
    except ValueError as error:
        sys.exit(f'The site cannot start: {error}')
    except OSError as error:
        sys.exit(f'The site gets no port to listen on: {error.strerror}.')
    except KeyboardInterrupt:
        sys.exit(130)
