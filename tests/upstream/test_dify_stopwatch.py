"""What we time ourselves, because upstream tells no time of it."""

from collections.abc import Iterable

from webapp.chat.events import Event, ReasoningDelta, StepChanged, TextDelta, TextReplaced
from webapp.chat.message import Reply, StepPart, StepState
from webapp.chat.reducer import replay
from webapp.upstream.stopwatch import Stopwatch


def timed(*events: tuple[float, Event]) -> Reply:
    stopwatch = Stopwatch()
    return replay(told for now, event in events for told in stopwatch.time(event, now))


def seconds(steps: Iterable[StepPart]) -> list[float | None]:
    return [step.seconds for step in steps]


def tool(state: StepState, **values: object) -> StepChanged:
    return StepChanged(StepPart('t:0', 'tool', 'Clock', state, tool='clock', **values))


def test_thinking_lasts_until_the_first_word() -> None:
    reply = timed((1, ReasoningDelta('Hm')), (3, ReasoningDelta('m.')), (5, TextDelta('Yes')), (9, TextDelta('.')))
    assert reply.thought_seconds == 4


def test_thinking_again_takes_its_own_time() -> None:
    reply = timed(
        (0, ReasoningDelta('One.')), (2, tool(StepState.RUNNING)), (4, ReasoningDelta('Two.')), (5, TextDelta('Yes'))
    )
    assert reply.thought_seconds == 3


def test_nobody_knows_how_long_it_took_while_it_goes_on_or_when_it_had_begun_as_words() -> None:
    going_on = timed((0, ReasoningDelta('One.')), (2, TextDelta('a')), (3, ReasoningDelta('Two.')))
    in_secret = timed((0, TextDelta('Hm')), (4, TextReplaced('')), (4, ReasoningDelta('Hm')), (9, TextDelta('Yes')))
    late = timed((1, ReasoningDelta('Hm')), (1, TextDelta('Yes')))
    assert [reply.thought_seconds for reply in (going_on, in_secret, late)] == [None, None, None]


def test_a_tool_takes_from_its_call_to_its_first_word() -> None:
    reply = timed((1, tool(StepState.RUNNING)), (3.5, tool(StepState.SUCCEEDED)), (9, tool(StepState.SUCCEEDED)))
    assert seconds(reply.steps) == [2.5]


def test_a_tool_that_is_first_heard_of_when_it_is_done_has_no_time() -> None:
    assert seconds(timed((1, tool(StepState.FAILED)), (9, tool(StepState.FAILED))).steps) == [None]


def test_nodes_have_their_own_time() -> None:
    done = StepPart('n', 'llm', 'LLM', StepState.SUCCEEDED, 0.5)
    assert seconds(timed((1, StepChanged(StepPart('n', 'llm', 'LLM'))), (9, StepChanged(done))).steps) == [0.5]
