"""What a model is given: the conversation so far, bounded, and the question with its files.

There is no system message and no handbook in it: how the model behaves is the business of whoever set it up.
"""

import base64
import re
from collections.abc import Iterator, Sequence

from webapp.upstream.demo.contents import Document, Picture, look
from webapp.upstream.demo.model import Message
from webapp.upstream.demo.records import Json, Message as Turn, Records

MOST_TURNS = 20  # of those before
MOST_CHARACTERS = 32_000  # of their text together
MOST_PICTURES = 4  # of theirs; those of the question itself all go along
MOST_DOCUMENT = 40_000  # characters of one
REASONING = re.compile(r'^\s*<think>.*?(</think>\s*|\Z)', re.DOTALL)  # ended or not
TITLE = (
    'Write a title of two to six words for the conversation that begins with the message below. Use the language of '
    'the message. Answer with nothing but the title.\n\n'
)
MOST_TITLED = 2_000  # characters of that message


def messages(records: Records, question: Turn) -> list[Message]:
    """The conversation as the model gets it, oldest message first, `question` last.

    Turns that failed or were lost are left out: what a model refused once (a picture, say) must not be refused again
    with every later question.
    """
    pictures, characters = MOST_PICTURES, 0
    found = [_asked(records, question)]
    for turn, answer in _answered(records, question)[-MOST_TURNS:][::-1]:
        asked = _asked(records, turn, pictures)
        pictures -= sum(part['type'] == 'image_url' for part in _parts(asked))
        characters += len(answer) + sum(len(part.get('text', '')) for part in _parts(asked))
        if characters > MOST_CHARACTERS and len(found) > 1:
            break
        found += [{'role': 'assistant', 'content': answer}, asked]
    return found[::-1]


def _answered(records: Records, question: Turn) -> list[tuple[Turn, str]]:
    earlier = [turn for turn in records.turns(question.conversation_id) if turn.id != question.id]
    answers = [(turn, spoken(turn.answer)) for turn in earlier]
    return [(turn, answer) for turn, answer in answers if answer]


def spoken(answer: str) -> str:
    """The answer without the reasoning before it."""
    return REASONING.sub('', answer)


def title(query: str) -> list[Message]:
    return [{'role': 'user', 'content': TITLE + query[:MOST_TITLED]}]


def length(messages: Sequence[Message]) -> str:
    """All the text in `messages`."""
    return '\n'.join(part.get('text', '') for message in messages for part in _parts(message))


def _asked(records: Records, turn: Turn, pictures: int = 100) -> Message:
    """A question with its files: plain text as long as there is no picture, since not every server takes parts."""
    notes: list[str] = []
    images: list[Json] = []
    for file in turn.files:
        if file['belongs_to'] != 'user':
            continue
        match _content(records, file):
            case Picture(media_type=media_type), bytes(content):
                if len(images) < pictures:
                    images.append(_image(media_type, content))
            case Document(text=text), _:
                notes.append(_quoted(file, text))
            case _:
                notes.append(f'[The file {file["filename"]} came with this message. Its content can not be read.]')
    text = '\n\n'.join([*notes, turn.query])
    return {'role': 'user', 'content': [{'type': 'text', 'text': text}, *images] if images else text}


def _content(records: Records, file: Json) -> tuple[Picture | Document | None, bytes]:
    content = records.content(file['upload_file_id']) if file['upload_file_id'] else b''
    return look(content), content


def _quoted(file: Json, text: str) -> str:
    cut = f'\n[cut after {MOST_DOCUMENT:,} of {len(text):,} characters]' if len(text) > MOST_DOCUMENT else ''
    return f'The file {file["filename"]}:\n\n{text[:MOST_DOCUMENT]}{cut}\n\n---'


def _image(media_type: str, content: bytes) -> Json:
    url = f'data:{media_type};base64,{base64.b64encode(content).decode()}'
    return {'type': 'image_url', 'image_url': {'url': url}}


def _parts(message: Message) -> Iterator[Json]:
    content = message['content']
    yield from [{'type': 'text', 'text': content}] if isinstance(content, str) else content
