"""What an answer would cost, where upstream tells its tokens and no price: by a table of the operator's."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fnmatch import fnmatchcase

from webapp.chat.message import Usage

MILLION = Decimal(1_000_000)


@dataclass(frozen=True, slots=True)
class Price:
    """Of a million tokens.

    :ivar model: a name, or a pattern such as `gpt-4o*`; `*` is also for an answer whose model nobody has named
    """

    model: str
    prompt: Decimal
    completion: Decimal
    currency: str


def estimate(usage: Usage, models: Sequence[str], prices: Sequence[Price]) -> Usage | None:
    """The same with prices, by the first row that fits all its models; None if none does, or the tokens don't tell."""
    prompt, completion = usage.prompt_tokens, usage.completion_tokens
    fitting = (price for price in prices if all(fnmatchcase(model, price.model) for model in models or ('',)))
    price = next(fitting, None)
    if price is None or prompt is None or completion is None or not prompt + completion:
        return None
    asked, said = prompt * price.prompt / MILLION, completion * price.completion / MILLION
    return Usage(prompt, completion, usage.total_tokens, asked, said, asked + said, price.currency)
