"""What a generation feeds is what the page is sent, also after the first word of an end."""

import asyncio
from datetime import UTC, datetime

from webapp.chat.events import Event, Finished, Reported, TextDelta, TextReplaced
from webapp.chat.message import Reply, Usage
from webapp.generations import Generation
from webapp.principal import Principal, Role
from webapp.store.conversations import Conversation
from webapp.store.messages import Begun, Message
from webapp.ui import i18n
from webapp.ui.components.thread import MessageView
from webapp.ui.following import Following
from webapp.ui.live import LiveAnswers
from webapp.ui.numbers import count
from webapp.ui.views import Reader

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ANN = Principal('ann', 'session', Role.USER, 'u_ann')


class Sent:
    """Stands where the thread does, and keeps what is sent to it."""

    def __init__(self) -> None:
        self.patches: list[object] = []
        self.views: list[MessageView] = []
        self.came = asyncio.Event()

    def patch(self, _: str, patch: object) -> None:
        self.patches.append(patch)
        self.came.set()

    def change(self, view: MessageView) -> None:
        self.views.append(view)

    def reason(self, *_: object) -> None: ...


def generation_of(message: Message) -> Generation:
    conversation = Conversation('c', 'ann', 'demo', '', 'provisional', NOW, NOW, False, True, {})
    return Generation(
        Begun(conversation, message, is_new=True),
        None,  # type: ignore[arg-type]  # not asked
        user_id=ANN.user_id,
        dify_user=ANN.dify_user,
    )


async def test_a_withdrawal_after_the_end_reaches_the_page() -> None:
    """Some versions of Dify moderate an answer after they have said that it is complete."""
    sent = Sent()
    generation = generation_of(Message('m' * 32, 'c', 'k', 1, 'q', Reply(), NOW, None))
    following = Following(sent, generation, LiveAnswers(), reader=Reader())  # type: ignore[arg-type]
    task = asyncio.create_task(following.run())

    async def feed(*events: Event) -> None:
        sent.came.clear()
        for event in events:
            generation.feed(event)
        await asyncio.wait_for(sent.came.wait(), 5)

    await feed(TextDelta('something forbidden'))
    generation.feed(Finished())
    await feed(TextReplaced('That was withdrawn.'), Reported(Usage(total_tokens=3)))
    generation.end()
    await task
    assert 'That was withdrawn.' in str(sent.patches)
    usage = sent.views[-1].usage
    assert usage is not None
    assert usage.line == i18n.fill('usage.tokens', tokens=count(3))
