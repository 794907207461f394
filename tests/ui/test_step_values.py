"""Steps as a line and a tree, whatever upstream says of what stands within what."""

from collections.abc import Sequence

from webapp.chat.message import Status, StepPart, StepState
from webapp.ui.components.steps import DEEPEST, StepLook, StepsView, StepView, steps_view

DONE, RUNNING = StepState.SUCCEEDED, StepState.RUNNING


def node(id_: str, parent: str = '', state: StepState = DONE, type_: str = 'llm', **values: object) -> StepPart:
    return StepPart(id_, type_, id_, state, parent=parent, **values)  # type: ignore[arg-type]


def view(*steps: StepPart, status: Status = Status.COMPLETE, look: StepLook = StepLook()) -> StepsView:  # noqa: B008
    return steps_view(steps, status=status, seconds=None, look=look)


def outline(steps: Sequence[StepView]) -> list[object]:
    return [[step.title, outline(step.steps)] if step.steps else step.title for step in steps]


def depth(steps: Sequence[StepView]) -> int:
    return 1 + max((depth(step.steps) for step in steps), default=-1)


def test_what_ran_within_something_stands_within_it_even_if_it_came_first() -> None:
    found = view(node('b', 'group'), node('group', type_='iteration', rounds=2), node('c', 'group'), node('d'))
    assert outline(found.steps) == [['group', ['b', 'c']], 'd']
    assert found.count == 3  # the group is no step of its own


def test_what_names_nothing_that_is_there_stands_at_the_top() -> None:
    assert outline(view(node('a', 'elsewhere'), node('b', 'b')).steps) == ['a', 'b']


def test_a_search_that_upstream_names_by_an_id_gets_words() -> None:
    tool = 'dataset_eddc586c_6f7c_4afe_917f_75c2e82d0a01'
    unnamed, named = view(*(StepPart(title, 'tool', title, DONE, tool=tool) for title in (tool, 'Our handbook'))).steps
    assert (unnamed.title, unnamed.icon.glyph) == ('Search the knowledge base', 'search')
    assert named.title == 'Our handbook'


def test_circles_are_broken_and_nothing_is_lost() -> None:
    found = view(node('a', 'b'), node('b', 'a'), node('c', 'a'))
    assert outline(found.steps) == ['a', 'b', 'c']


def test_nothing_is_nested_without_end() -> None:
    found = view(*(node(f'{n}', f'{n - 1}') for n in range(50)))
    assert depth(found.steps) == DEEPEST
    assert found.count == 50


def test_branches_stand_apart_but_one_alone_is_none() -> None:
    both = view(node('a', branch='x'), node('b', branch='y'), node('c', branch='x'), node('d'))
    assert [(step.branch, [inner.title for inner in step.steps]) for step in both.steps] == [
        (1, ['a', 'c']), (2, ['b']), (0, []),
    ]  # fmt: skip
    assert outline(view(node('a', branch='x'), node('b')).steps) == ['a', 'b']


def test_the_line_names_what_runs_innermost() -> None:
    running = [node('group', type_='loop', state=RUNNING), *(node(f'{n}', 'group', RUNNING) for n in range(3))]
    found = view(node('a'), *running, status=Status.RUNNING)
    assert (found.doing, found.more) == (('0', '1'), 1)


def test_what_an_answer_ended_before_is_not_running_for_ever() -> None:
    found = view(node('a', state=RUNNING), node('b', state=StepState.RETRYING), status=Status.STOPPED)
    assert found.doing == ()
    assert [step.state for step in found.steps] == ['unfinished', 'unfinished']


def test_an_app_that_hides_its_nodes_still_shows_what_its_tools_do() -> None:
    tool = StepPart('t:0', 'tool', 'Search', DONE, 0.5, tool='search')
    found = view(node('a'), node('log', 'a', type_='log'), tool, look=StepLook(shows_nodes=False))
    assert outline(found.steps) == ['Search']
    assert found.count == 1
    assert view(node('a'), look=StepLook(shows_nodes=False)).steps == ()


def test_the_time_of_tools_is_added_up_where_all_of_it_is_known() -> None:
    tools = [StepPart(f't:{n}', 'tool', 'Search', DONE, n, tool='search') for n in (1.0, 2.0)]
    assert view(*tools).seconds == 3
    assert view(*tools, StepPart('t:3', 'tool', 'Ask', DONE, tool='ask')).seconds is None
