"""What the demo says about files, from what is really in them: no model looks at anything."""

from collections.abc import Sequence

from webapp.upstream.demo.attachments import kind
from webapp.upstream.demo.contents import Attachment, Document, Picture
from webapp.upstream.demo.retrieval import Passage, document, quoted

EXCERPT = 600  # characters
SIGHT = (
    'What a picture shows I cannot tell: nobody looks at it here but you. Connect your own Dify, or a model that can '
    'see (`OPENAI_BASE_URL` and `OPENAI_MODEL`), and ask again.'
)
FURTHER = 'Ask about something in it, and I look up the passages that share your words.'


def answer(question: str, files: Sequence[Attachment]) -> tuple[str, list[Passage]]:
    """Each file on a line; then the passages of the documents that answer `question`, or how the documents begin."""
    count = 'One file' if len(files) == 1 else f'{len(files)} files'
    said = [f'{count} came with your message:', '\n'.join(map(_line, files))]
    texts = [(file.file.name, file.holds.text) for file in files if isinstance(file.holds, Document)]
    found = [passage for name, text in texts for passage in document(name, text).search(question)]
    found.sort(key=lambda passage: -passage.score)
    if found:
        said += ['What shares the words of your question:', *map(quoted, found[:3])]
    elif texts:
        said += [*(_beginning(name, text) for name, text in texts), FURTHER]
    if any(isinstance(file.holds, Picture) for file in files):
        said.append(SIGHT)
    return '\n\n'.join(said), found[:3]


def _line(attachment: Attachment) -> str:
    file, size = attachment.file, _size(attachment.file.size)
    match attachment.holds:
        case Picture() as picture:
            pixels = f' of {picture.width:,} × {picture.height:,} pixels' if picture.width and picture.height else ''
            what = f'a {picture.format} picture{pixels}, {size}'
        case Document(text=text):
            what = f'a text of {len(text.split()):,} words, {size}'
        case _ if file.size < 0:
            what = 'only its address is known, and I fetch nothing'
        case _:
            is_misnamed = kind(file.extension) == 'image'
            what = f'{size}, ' + ('called a picture, but none is in it' if is_misnamed else 'of a kind I cannot read')
    return f'- {_code(file.name)}: {what}'


def _beginning(name: str, text: str) -> str:
    lines = text[:EXCERPT].splitlines()
    more = ['…'] if len(text) > EXCERPT else []
    return '\n'.join([f'{_code(name)} begins:', '', *(f'> {line}' for line in [*lines, *more])])


def _code(name: str) -> str:
    return f'`{name.replace("`", "")}`'


def _size(size: int) -> str:
    return f'{size:,} bytes' if size < 10_000 else f'{size / 1000:,.0f} kB'
