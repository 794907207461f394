"""An answer as it is read aloud: its words, without what only eyes can take in."""

from webapp.markdown import limits
from webapp.markdown.parser import Block, Event, TooManyEvents, parse
from webapp.markdown.source import FORMULA, LESS_THAN, Source, clean

UNSPOKEN = {'CodeBlock', 'HtmlBlock', 'MetadataBlock'}  # blocks of code, and what stands for none
BREAKS = {'Paragraph', 'Heading', 'Item', 'TableRow', 'TableHead', 'TableCell'}
SPACE = {'SoftBreak': ' ', 'HardBreak': '\n'}


def spoken(text: str) -> str:
    """The words of Markdown, a line for each paragraph, item or cell; without blocks of code and formulas."""
    try:
        blocks = parse(Source.of(clean(text[: limits.SPOKEN])).markdown)
    except TooManyEvents:  # made to be dear, and nothing that anybody wants to hear
        return ''
    words = ''.join(_words(block) for block in blocks)
    plain = FORMULA.sub(' ', words).replace(LESS_THAN, '<')
    lines = (' '.join(line.split()) for line in plain.splitlines())
    return '\n'.join(line for line in lines if line)


def _words(block: Block) -> str:
    pieces: list[str] = []
    skipping = 0
    for event in block.events:
        if isinstance(event, str):
            pieces.append(SPACE.get(event, ''))
            continue
        if _tag(event.get('Start')) in UNSPOKEN:
            skipping += 1
        if not skipping:
            pieces.append(_word(event))
        if _tag(event.get('End')) in UNSPOKEN:
            skipping -= 1
    return ''.join(pieces)


def _word(event: Event) -> str:
    if _tag(event.get('End')) in BREAKS:
        return '\n'
    return str(event.get('Text', event.get('Code', '')))


def _tag(tag: object) -> str:
    return str(next(iter(tag))) if isinstance(tag, dict) else str(tag or '')
