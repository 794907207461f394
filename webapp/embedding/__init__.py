"""The chat within pages of other sites: who is let in there, and how they prove it where browsers keep no cookie.

ticket = await embedding.entrance.enter(scope, embed, token=token, origin=origin)   # a host vouches for somebody
principal = await embedding.entrance.take(scope, embed, ticket)                     # once, and soon
url = embedding.passes.file(principal, file_id)                                     # needs no cookie
"""

from dataclasses import dataclass

from webapp.embedding.entrance import Entrance
from webapp.embedding.passes import Passes
from webapp.embeds import Embeds

__all__ = ['Embedding', 'Entrance', 'Passes']


@dataclass(frozen=True, slots=True)
class Embedding:
    embeds: Embeds
    entrance: Entrance
    passes: Passes
