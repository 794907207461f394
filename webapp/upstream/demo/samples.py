"""Text made to measure: repeatable Markdown of a given number of tokens."""

import random
from collections.abc import Callable, Iterator

from webapp.upstream.demo.usage import tokens

VOCABULARY = """
answer archive balance bridge calm careful chapter cloud coffee compass copper corner daily delta early engine
evening fabric field figure forest garden gentle gravel harbour honest island journal kettle kind ladder lantern
letter light linen little marble market meadow method morning narrow north notebook ocean open orchard paper
pattern pencil plain quiet rain record river season second shelf signal silver simple slow small south station
steady stone story street summer table thread timber tower travel valley village voice walk water window winter
"""
WORDS = VOCABULARY.split()


def make(content: str, size: int) -> list[str]:
    """Exactly `size` tokens of 'long', 'code', 'table' or 'list'; always the same ones."""
    pieces: list[str] = []
    for block in BLOCKS[content](random.Random(f'{content} {size}')):  # noqa: S311  repeatable, not secret
        pieces += tokens(block)
        if len(pieces) >= size:
            break
    return pieces[:size]


def _long(rng: random.Random) -> Iterator[str]:
    section = 0
    while True:
        section += 1
        yield f'## {section}. {_words(rng, 2, 4).capitalize()}\n\n{_paragraph(rng)}\n\n'
        body = rng.choice((_bullets, _numbers, _code_block, _small_table, _quote))
        yield f'{body(rng)}\n\n{_paragraph(rng)}\n\n'


def _code(rng: random.Random) -> Iterator[str]:
    yield '```python\n'
    line = 0
    while True:
        line += 1
        yield f'def {rng.choice(WORDS)}_{line}({rng.choice(WORDS)}: int) -> int:\n'
        yield f'    return {rng.randint(1, 99)} * {line}  # {_words(rng)}\n\n'


def _table(rng: random.Random) -> Iterator[str]:
    yield '| no. | name | amount | note |\n|---:|---|---:|---|\n'
    row = 0
    while True:
        row += 1
        yield f'| {row} | {_words(rng, 1, 2)} | {rng.randint(1, 9999)} | {_words(rng)} |\n'


def _list(rng: random.Random) -> Iterator[str]:
    item = 0
    while True:
        item += 1
        yield f'- **{rng.choice(WORDS)} {item}**: {_words(rng, 3, 9)}\n'
        if not item % 5:
            yield f'  - {_words(rng)}\n'


BLOCKS: dict[str, Callable[[random.Random], Iterator[str]]] = {
    'long': _long,
    'code': _code,
    'table': _table,
    'list': _list,
}


def _words(rng: random.Random, low: int = 2, high: int = 5) -> str:
    return ' '.join(rng.choice(WORDS) for _ in range(rng.randint(low, high)))


def _paragraph(rng: random.Random) -> str:
    sentences = [_words(rng, 6, 14).capitalize() + '.' for _ in range(rng.randint(2, 4))]
    return f'{" ".join(sentences)} See *{_words(rng, 1, 2)}* and `{rng.choice(WORDS)}`.'


def _bullets(rng: random.Random) -> str:
    return '\n'.join(f'- **{rng.choice(WORDS)}**: {_words(rng, 4, 9)}' for _ in range(rng.randint(3, 6)))


def _numbers(rng: random.Random) -> str:
    return '\n'.join(f'{n}. {_words(rng, 4, 9)}' for n in range(1, rng.randint(4, 6)))


def _code_block(rng: random.Random) -> str:
    body = '\n'.join(f'    {rng.choice(WORDS)}_{n} = {rng.randint(0, 99)}' for n in range(rng.randint(3, 7)))
    return f'```python\ndef {rng.choice(WORDS)}():\n{body}\n```'


def _small_table(rng: random.Random) -> str:
    rows = '\n'.join(f'| {_words(rng, 1, 2)} | {rng.randint(1, 999)} |' for _ in range(rng.randint(3, 5)))
    return f'| name | count |\n|---|---:|\n{rows}'


def _quote(rng: random.Random) -> str:
    return f'> {_words(rng, 8, 16).capitalize()}.'


SHOWCASE = """\
# A showcase

Plain words, **bold**, *italic*, ~~struck~~, `code`, a [link](https://example.com/path?q=1&r=2) and a bare address: \
https://example.com. Umlauts äöüß, 日本語, العربية, emoji 👩‍👩‍👧 🇨🇭.

## Lists

1. first
2. second
   - nested
     - deeper
3. third

- [x] done
- [ ] open

## Code

```python
def greet(name: str) -> str:
    return f'Hello, {name}! <b>not bold</b>'
```

```
no language
```

## Table

| left | centre | right |
|:---|:---:|---:|
| a | **b** | 1 |
| `c` | d | 22 |

## Mathematics and money

Inline \\(e^{i\\pi} + 1 = 0\\), and a block:

$$
\\int_0^1 x^2 \\, dx = \\frac{1}{3}
$$

It costs $5 to $10, and `$x$` is code.

## Diagram

```mermaid
flowchart LR
    A[Browser] --> B[This server] --> C[Dify]
```

## Quotation and notes

> A quotation
> of two lines.

A statement with a note.[^1]

[^1]: The note.

---

Raw <b>HTML</b> & <script>alert(1)</script> stays text; so does List<int>. A picture from elsewhere:
![a picture](https://example.com/picture.png)

Right to left:

مرحبا بالعالم
"""
