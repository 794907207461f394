"""The writing of answers. It belongs to the server, never to a page: pages come and go and watch the newest value.

message = await generations.start(principal, app='support', conversation_id=None, query='Hello?', key=key)
async for progress in generations.of(message.id).watch(): ...

`service` is the only way in; `questions` says what may be asked. One answer is a `generation`, and `register` knows
those that are alive. `writing` sees one from the line to its end, `hearing` has what upstream says of it, `saving`
keeps it. `answering` takes a person's answers to what an app asks in between. `leftovers` looks after what nobody
writes now: by `waiting` if it waits for a person, by `repair` if it broke off; `resuming` hears the rest of a run.
"""

from webapp.generations.generation import Ended, Generation, Phase, Progress
from webapp.generations.register import Load
from webapp.generations.service import Generations

__all__ = ['Ended', 'Generation', 'Generations', 'Load', 'Phase', 'Progress']
