"""Looks upstream for the rest of an answer whose stream broke.

After a dropped stream a real Dify's history holds an empty answer (the server saves it only when its stream is read to
the end), while a chatflow's run goes on and its detail holds the outcome. So: the run first, then history.
"""

from webapp.chat.events import Event, Repaired, Reported
from webapp.chat.message import Reply
from webapp.errors import UpstreamError
from webapp.upstream.client import DifyClient

HISTORY_PAGE = 5  # the broken answer is among the newest


async def recover(client: DifyClient, broken: Reply, *, user: str) -> list[Event]:
    """What upstream knows of `broken` by now, as events; empty if nothing.

    :raises UpstreamError: it can't be asked, or does not know the conversation
    """
    if broken.run_id:
        try:
            run = await client.run(broken.run_id)
        except UpstreamError as error:
            if error.status not in {400, 404}:  # not a chatflow key, or a server that forgot: history may know
                raise
        else:
            if run.answer:
                return [Repaired(run.answer)]
    if not (broken.conversation_id and broken.message_id):
        return []
    page = await client.history(broken.conversation_id, user=user, limit=HISTORY_PAGE)
    for message in page.items:
        if message.id == broken.message_id and message.reply.text:
            found = message.reply
            return [Repaired(found.text), Reported(found.usage, found.citations)]
    return []
