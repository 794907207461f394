"""What an assistant did on its way to an answer, as a person sees it: one line, and a tree behind it."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from webapp.chat.message import Status, StepPart, StepState
from webapp.ui import i18n

DEEPEST = 6  # levels; what is deeper stands beside its parent
NAMED = 2  # steps that run at the same time and stand in the line
GROUPS = {'iteration', 'loop'}
DATASET = re.compile(r'dataset_[0-9a-f]{8}(_[0-9a-f]{4}){3}_[0-9a-f]{12}')  # what Dify calls an agent's search in one
BUSY = {StepState.RUNNING, StepState.RETRYING}
GLYPHS = {  # of our own drawing, by what a node does
    'tool': 'tool',
    'agent': 'agent',
    'log': 'log',
    'llm': 'model',
    'question-classifier': 'branch',
    'if-else': 'branch',
    'knowledge-retrieval': 'search',
    'document-extractor': 'file',
    'parameter-extractor': 'extract',
    'list-operator': 'extract',
    'code': 'code',
    'template-transform': 'code',
    'variable-aggregator': 'variable',
    'variable-assigner': 'variable',
    'assigner': 'variable',
    'http-request': 'web',
    'iteration': 'round',
    'loop': 'round',
    'human-input': 'person',
    'start': 'start',
    'end': 'end',
    'answer': 'end',
}


@dataclass(frozen=True, slots=True)
class Icon:
    """Of a step: a glyph of ours, or what the app gives a tool: an emoji on a colour, or an image."""

    glyph: str = ''
    emoji: str = ''
    background: str = ''  # '#rrggbb' or ''
    url: str = ''  # same origin


@dataclass(frozen=True, slots=True)
class StepLook:
    """How an app wants its steps to be shown.

    :ivar shows_nodes: whether people see the nodes of its workflow; what an agent's tools do, they do in any case
    :ivar icons: by tool
    """

    shows_nodes: bool = True
    icons: Mapping[str, Icon] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StepView:
    """A step, and those within it."""

    id: str
    title: str
    icon: Icon
    state: str  # of `StepState`, 'unfinished' if the answer ended before it did, or '' for a branch
    seconds: float | None = None
    rounds: int = 0
    round: int | None = None  # where its group has several
    retries: int = 0
    input: str = ''
    output: str = ''
    branch: int = 0  # its number, if it only holds the steps of one
    steps: tuple['StepView', ...] = ()


@dataclass(frozen=True, slots=True)
class StepsView:
    """All steps of an answer.

    :ivar doing: titles of what runs now, the innermost; empty if nothing does
    :ivar more: how many run besides
    """

    count: int = 0
    seconds: float | None = None
    doing: tuple[str, ...] = ()
    more: int = 0
    failed: int = 0
    steps: tuple[StepView, ...] = ()


def steps_view(parts: Sequence[StepPart], *, status: Status, seconds: float | None, look: StepLook) -> StepsView:
    """The steps of an answer.

    :param seconds: that its workflow ran; the tools of an agent are added up
    """
    shown = [step for step in parts if look.shows_nodes or not step.is_node]
    inner = {step.parent for step in shown}
    counted = [step for step in shown if step.type != 'log']
    running = [] if status.is_final else [step for step in shown if step.state in BUSY]
    inside = {step.parent for step in running}
    doing = [_title(step) for step in running if step.id not in inside]
    if seconds is None and counted and not any(step.is_node for step in counted):
        spans = [step.seconds for step in counted if step.seconds is not None]
        seconds = sum(spans) if len(spans) == len(counted) else None
    return StepsView(
        count=len([step for step in counted if step.type not in GROUPS or step.id not in inner]),
        seconds=seconds if status.is_final else None,
        doing=tuple(doing[:NAMED]),
        more=max(0, len(doing) - NAMED),
        failed=sum(step.state is StepState.FAILED for step in counted),
        steps=_tree(shown, is_final=status.is_final, icons=look.icons),
    )


def _tree(steps: Sequence[StepPart], *, is_final: bool, icons: Mapping[str, Icon]) -> tuple[StepView, ...]:
    by_id = {step.id: step for step in steps}
    children: dict[str, list[StepPart]] = defaultdict(list)
    for step in steps:
        children[_parent(step, by_id)].append(step)

    def views(of: str) -> tuple[StepView, ...]:
        group = by_id.get(of)
        found: dict[str, list[StepView]] = {}
        for step in children[of]:
            view = StepView(
                id=step.id,
                title=_title(step),
                icon=icons.get(step.tool) or Icon(_glyph(step)),
                state='unfinished' if is_final and step.state in BUSY else step.state.value,
                seconds=step.seconds,
                rounds=step.rounds if step.type in GROUPS else 0,
                round=step.round if group and group.rounds > 1 else None,
                retries=step.retries,
                input=step.input,
                output=step.output,
                steps=views(step.id),
            )
            found.setdefault(f'branch {step.branch}' if step.branch else f'step {step.id}', []).append(view)
        return tuple(_branches(found))

    return views('')


def _branches(found: Mapping[str, list[StepView]]) -> list[StepView]:
    """What runs side by side stands together, where the first of it stood. One branch alone is none."""
    names = [key for key in found if key.startswith('branch ')]
    if len(names) < 2:
        return [view for views in found.values() for view in views]
    shown = []
    for key, views in found.items():
        if key in names:
            number = names.index(key) + 1
            shown.append(StepView(key, '', Icon('branch'), '', branch=number, steps=tuple(views)))
        else:
            shown += views
    return shown


def _parent(step: StepPart, by_id: Mapping[str, StepPart]) -> str:
    """The step it stands within, '' for none. Upstream may name what is not there, and itself, and go round in circles.

    What is nested too deep stands with the deepest that may hold something.
    """
    line: list[str] = []
    above = step.parent
    while above in by_id:
        if above == step.id or above in line:
            return ''
        line.append(above)
        above = by_id[above].parent
    return line[max(0, len(line) - DEEPEST + 1)] if line else ''


def _glyph(step: StepPart) -> str:
    return GLYPHS.get('knowledge-retrieval' if DATASET.fullmatch(step.tool) else step.type, 'node')


def _title(step: StepPart) -> str:
    if DATASET.fullmatch(step.tool) and step.title in {step.tool, ''}:
        return i18n.t('thread.step_dataset')
    return step.title or step.type
