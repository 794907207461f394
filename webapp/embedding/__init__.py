"""The chat within pages of other sites: who is let in there, and how they prove it where browsers keep no cookie.

ticket = await embedding.entrance.enter(scope, embed, token=token, origin=origin)   # a host vouches for somebody
ticket = await embedding.pairings.poll(scope, embed, pairing)                         # they have signed in here
principal = await embedding.entrance.take(scope, embed, ticket)                     # once, and soon
url = embedding.passes.file(principal, file_id)                                     # needs no cookie
"""

from dataclasses import dataclass

from webapp.embedding.entrance import Entrance
from webapp.embedding.pairings import Pairings
from webapp.embedding.passes import Passes
from webapp.embedding.sessions import EmbedSessions
from webapp.embeds import Embeds

__all__ = ['EmbedSessions', 'Embedding', 'Entrance', 'Pairings', 'Passes']


@dataclass(frozen=True, slots=True)
class Embedding:
    embeds: Embeds
    sessions: EmbedSessions
    entrance: Entrance
    pairings: Pairings
    passes: Passes
