"""A page of the app whose Dify says what was recorded."""

import io
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image
from playwright.sync_api import FilePayload, Page, Response, TimeoutError as Late, WebSocket, expect
from recorded_dify import parameters
from recorded_exchanges import Json, Recording
from support.chat import CONNECTED, answers
from support.server import Server

DESCRIPTION = Path(__file__).parent / 'description.js'
HAS_PART = "words => [...document.querySelectorAll('[data-testid=message-text]')].at(-1)?.innerText.trim() === words"
UPLOADED = '[data-testid=attachment][data-state=ready]'
NAMES = {'upload-png': 'small.png', 'upload-jpg': 'photo.jpg'}


@dataclass
class Stage:
    """:ivar heard: what came to the page over the wire since the conversation began, that of the page itself too"""

    page: Page
    server: Server
    problems: list[str] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.add_init_script(path=DESCRIPTION)
        self.page.on('websocket', self._listen)
        self.page.on('response', self._read)
        self.page.on('console', lambda said: said.type in {'error', 'warning'} and self.problems.append(said.text))
        self.page.on('pageerror', lambda error: self.problems.append(str(error)))

    def begin(self, app: str) -> None:
        """A new conversation."""
        self.heard.clear()
        self.problems.clear()
        address = f'{self.server.url}/a/{app}'
        if self.page.url.startswith(f'{address}/'):
            self.page.get_by_test_id('new-conversation').click()
            expect(answers(self.page)).to_have_count(0)
        else:
            self.page.goto(address)
            self.page.wait_for_function(CONNECTED)
        if parameters(app)['user_input_form']:
            expect(self.page.get_by_test_id('inputs-form')).to_be_visible()

    def load_again(self) -> None:
        self.page.wait_for_url('**/c/*')
        self.server.keeps_all()
        self.page.reload()
        self.page.wait_for_function(CONNECTED)

    def fill_in(self, values: Json) -> dict[str, str]:
        """Fill in the form of a new conversation, as far as the app has one. What was written or chosen."""
        filled = {}
        for variable, value in values.items():
            place = self.page.locator(f'.inputs-form [data-variable={variable}]')
            if isinstance(value, dict | list):
                files = [_file('upload-png')] * (len(value) if isinstance(value, list) else 1)
                place.get_by_test_id('inputs-file').set_input_files(files)
                expect(place.locator(UPLOADED)).to_have_count(len(files))
                continue
            if isinstance(value, bool):
                place.get_by_role('checkbox').set_checked(value)
            elif place.get_by_role('combobox').count():
                place.get_by_role('combobox').select_option(value)
            elif place.get_by_role('textbox').count():
                place.get_by_role('textbox').fill(str(value))
            else:
                continue
            filled[variable] = str(value)
        return filled

    def attach(self, played: Recording) -> list[str]:
        """The pictures that went along, where the app takes any; their names.

        Not those of refused requests, which no composer sends, and no links, which lead to the recorder's computer.
        """
        chooser = self.page.get_by_test_id('composer-file')
        files = [file for file in played.question.get('files') or [] if file['transfer_method'] == 'local_file']
        if not files or played.status >= 400 or not chooser.count():
            return []
        uploads = ['upload-jpg' if file['upload_file_id'] == JPG else 'upload-png' for file in files]
        chooser.set_input_files([_file(upload) for upload in uploads])
        expect(self.page.locator(f'.composer {UPLOADED}')).to_have_count(len(uploads))
        return [NAMES[upload] for upload in uploads]

    def stop_at(self, words: str) -> None:
        """Stop the answer as soon as so much of it is there."""
        self.page.wait_for_function(HAS_PART, arg=words)
        self.page.get_by_test_id('composer-stop').click()

    def shows(self, wanted: Json) -> Json:
        """What is on the page, as soon as it is this; or else after a while."""
        with suppress(Late):
            self.page.wait_for_function(IS_SHOWN, arg=wanted, timeout=PATIENCE, polling=100)
        found: Json = self.page.evaluate('described()')
        return found

    def drawn(self) -> list[str]:
        """The HTML of all turns, as soon as every picture has told its size."""
        self.page.wait_for_function(ALL_MEASURED)
        found: list[str] = self.page.evaluate('drawn()')
        return found

    def _listen(self, socket: WebSocket) -> None:
        socket.on('framereceived', lambda frame: self.heard.append(str(frame)))

    def _read(self, response: Response) -> None:
        if response.request.resource_type == 'document':
            self.heard.append(response.text())


ALL_MEASURED = "!document.querySelector('[data-unmeasured]')"
PATIENCE = 20_000  # ms
IS_SHOWN = 'shown => JSON.stringify(described()) === JSON.stringify(shown)'
JPG = '925d2413-8815-4c1a-af9d-a6a8a6f97dce'


def _file(upload: str) -> FilePayload:
    held = io.BytesIO()
    Image.new('RGB', (40, 30), 'teal').save(held, 'JPEG' if upload == 'upload-jpg' else 'PNG')
    return {'name': NAMES[upload], 'mimeType': 'application/octet-stream', 'buffer': held.getvalue()}
