"""What an answer costs here: a tokenizer of the demo's own, and a price list."""

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

# Up to four characters, with the blanks before them: near enough to English on a real model, and repeatable anywhere.
TOKEN = re.compile(r'\s*\S{1,4}|\s+')

PROMPT_PRICE = Decimal('2.5')  # USD per million tokens
COMPLETION_PRICE = Decimal('10')
UNIT = Decimal('0.000001')
PLACES = Decimal('0.0000001')
# What Dify says of a model that has no price list.
UNPRICED = dict.fromkeys(
    (
        *('prompt_unit_price', 'prompt_price_unit', 'prompt_price'),
        *('completion_unit_price', 'completion_price_unit', 'completion_price'),
        'total_price',
    ),
    '0',
)


def tokens(text: str) -> list[str]:
    """The pieces of `text`, in order; joined they are the text again."""
    return TOKEN.findall(text)


@dataclass(frozen=True, slots=True)
class Spent:
    """What one answer took."""

    prompt: int = 0  # tokens
    completion: int = 0
    latency: float = 0.0  # seconds, the whole request
    first: float | None = None  # seconds until the first token
    is_priced: bool = True


def usage(spent: Spent) -> dict[str, Any]:
    """Dify's usage object. Amounts have seven places, so that zero reads '0E-7'; a model without a price has none."""
    prompt, completion = _price(spent.prompt, PROMPT_PRICE), _price(spent.completion, COMPLETION_PRICE)
    found = {
        'prompt_tokens': spent.prompt,
        'prompt_unit_price': str(PROMPT_PRICE),
        'prompt_price_unit': str(UNIT),
        'prompt_price': str(prompt),
        'completion_tokens': spent.completion,
        'completion_unit_price': str(COMPLETION_PRICE),
        'completion_price_unit': str(UNIT),
        'completion_price': str(completion),
        'total_tokens': spent.prompt + spent.completion,
        'total_price': str(prompt + completion),
        'currency': 'USD',
        'latency': spent.latency,
        'time_to_first_token': None if spent.first is None else round(spent.first, 3),
        'time_to_generate': None if spent.first is None else round(max(0.0, spent.latency - spent.first), 3),
    }
    return found if spent.is_priced else found | UNPRICED


def empty_usage(*, first: float | None, elapsed: float) -> dict[str, Any]:
    """A chatflow's usage when no model has reported any: other zeros, and no unit prices."""
    zeros = dict.fromkeys(('prompt_unit_price', 'prompt_price_unit', 'prompt_price', 'total_price'), '0.0')
    zeros |= dict.fromkeys(('completion_unit_price', 'completion_price_unit', 'completion_price'), '0.0')
    return usage(Spent(latency=elapsed, first=first)) | zeros | {'latency': 0.0}


def _price(count: int, per_million: Decimal) -> Decimal:
    return (count * per_million * UNIT).quantize(PLACES, ROUND_HALF_UP)
