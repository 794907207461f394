"""Dify's objects as parts of a reply: steps, files, forms, sources, usage. Any field may be missing, null or wrong."""

import json
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlsplit

from webapp.chat.message import Citation, FilePart, FormPart, StepPart, StepState, Usage
from webapp.upstream.limits import MAX_CITATIONS, MAX_FILES
from webapp.upstream.payload import (
    MAX_NAME,
    Payload,
    amount,
    count,
    mapping,
    mappings,
    name,
    number,
    parse,
    text,
)

MAX_TOOL_TEXT = 4_000  # characters of what a tool was asked or said
MAX_TOOLS = 20  # called in one round
MAX_PASSAGE = 20_000
MAX_FORM = 50_000
MAX_URL = 4_000
FILE_TYPES = {'image', 'document', 'audio', 'video', 'custom'}
ROUNDS = {'iteration', 'loop'}
STATES = {
    'succeeded': StepState.SUCCEEDED,
    'success': StepState.SUCCEEDED,
    'failed': StepState.FAILED,
    'error': StepState.FAILED,
    'exception': StepState.FAILED,
    'stopped': StepState.FAILED,
    'retry': StepState.RETRYING,
    'partial-succeeded': StepState.SUCCEEDED,
}
# agent apps have no status for tools: a failure is a text in place of the tool's own
TOOL_FAILURES = (
    'tool invoke error', 'there is not a tool named', 'tool parameters validation error', 'tool response error',
    'please check your tool provider credentials', 'unknown error:',
)  # fmt: skip


def tool_steps(thought: Payload, *, is_over: bool = False) -> Iterator[StepPart]:
    """The tools that an agent called in one round; its words come as text besides.

    :param is_over: the answer has ended, so a tool that said nothing is not running any more
    """
    tools = [tool for tool in text(thought, 'tool').split(';') if tool][:MAX_TOOLS]
    asked, said = text(thought, 'tool_input'), text(thought, 'observation')
    labels = mapping(thought, 'tool_labels')
    for index, tool in enumerate(tools):
        output = _of_tool(said, tool, len(tools))
        state = StepState.SUCCEEDED if output or is_over else StepState.RUNNING
        if output.lower().startswith(TOOL_FAILURES):
            state = StepState.FAILED
        yield StepPart(
            id=f'{name(thought, "id")}:{index}',
            type='tool',
            title=name(mapping(labels, tool), 'en_US') or tool[:MAX_NAME],
            state=state,
            input=_of_tool(asked, tool, len(tools)),
            output=output,
            tool=tool[:MAX_NAME],
        )


def node_step(node: Payload, *, state: StepState | None = None) -> StepPart:
    """A node of a workflow by what it is called, never by what went in and out."""
    type_ = name(node, 'node_type') or 'node'
    more = mapping(node, 'execution_metadata')
    return StepPart(
        # what stands for its nodes is named as they name it, see `round_step`
        id=(type_ in ROUNDS and name(node, 'node_id')) or name(node, 'id') or name(node, 'node_id'),
        type=type_,
        title=name(node, 'title') or name(node, 'node_type'),
        state=state or STATES.get(name(node, 'status'), StepState.RUNNING),
        seconds=number(node, 'elapsed_time'),
        parent=_parent(node),
        model=name(mapping(node, 'process_data'), 'model_name'),
        round=_round(more, 'iteration_index', 'loop_index'),
        branch=name(node, 'parallel_start_node_id') or name(more, 'parallel_start_node_id'),
        retries=count(node, 'retry_index') or 0,
    )


def round_step(data: Payload, type_: str) -> StepPart:
    """An iteration or a loop. Its nodes name it by its node's id."""
    return StepPart(
        id=name(data, 'node_id') or name(data, 'id'),
        type=type_,
        title=name(data, 'title') or type_,
        state=STATES.get(name(data, 'status'), StepState.RUNNING),
        seconds=number(data, 'elapsed_time'),
        parent=_parent(data),
        rounds=count(data, 'steps') or _round(data, 'index') or 0,
    )


def log_step(data: Payload) -> StepPart:
    """A line in the log of a workflow's agent node."""
    return StepPart(
        id=name(data, 'id'),
        type='log',
        title=name(data, 'label'),
        state=STATES.get(name(data, 'status'), StepState.RUNNING),
        seconds=number(mapping(data, 'metadata'), 'elapsed_time'),
        parent=name(data, 'parent_id') or name(data, 'node_execution_id'),
    )


def file(data: Payload) -> FilePart:
    """A file, from an event of its own, the end of a message, or history."""
    url = text(data, 'url', MAX_URL) or text(data, 'remote_url', MAX_URL)
    type_ = name(data, 'type')
    return FilePart(
        id=name(data, 'id') or name(data, 'related_id') or url[:MAX_NAME],
        type=type_ if type_ in FILE_TYPES else 'custom',
        name=name(data, 'filename') or _name_in(url),
        mime_type=name(data, 'mime_type'),
        size=count(data, 'size'),
        url=url,
    )


def files(payload: Payload, key: str) -> tuple[FilePart, ...]:
    """The assistant's files in a list; what has neither address nor id is none."""
    found = (file(item) for item in mappings(payload, key, MAX_FILES) if item.get('belongs_to') != 'user')
    return tuple(part for part in found if part.id)


def form(data: Payload) -> FormPart:
    """A question to a person."""
    return FormPart(
        id=name(data, 'form_id') or name(data, 'node_id'),
        token=text(data, 'form_token', MAX_URL),
        title=name(data, 'node_title'),
        content=text(data, 'form_content', MAX_FORM),
        inputs=_fields(data),
        actions=_dump_list(data, 'actions') if 'actions' in data else _dump_list(data, 'user_actions'),
        expires_at=count(data, 'expiration_time'),
        node=name(data, 'node_id'),
    )


def form_answer(data: Payload) -> FormPart:
    """What was answered. Such news name the node alone."""
    action, content = name(data, 'action_text') or name(data, 'action_id'), text(data, 'rendered_content', MAX_FORM)
    answer = '\n\n'.join(part for part in (content, f'**{action}**' if action else '') if part)
    return replace(_news(data), answer=answer or '–')


def form_timeout(data: Payload) -> FormPart:
    return replace(_news(data), expired=True)


def _news(data: Payload) -> FormPart:
    return FormPart(id='', token='', title='', content='', inputs='[]', actions='[]', node=name(data, 'node_id'))


def _fields(data: Payload) -> str:
    """The definitions of a form's fields, each with the value that it has before anybody has written."""
    resolved = mapping(data, 'resolved_default_values')
    fields = mappings(data, 'inputs', 100)
    return json.dumps(
        [field | {'resolved': resolved.get(text(field, 'output_variable_name'))} for field in fields],
        ensure_ascii=False,
    )[:MAX_FORM]


def citations(payload: Payload) -> tuple[Citation, ...]:
    """What the answer rests on, in Dify's order."""
    resources = mappings(payload, 'retriever_resources', MAX_CITATIONS)
    return tuple(
        Citation(
            position=count(item, 'position') or index,
            document=name(item, 'document_name') or name(item, 'title'),
            content=text(item, 'content', MAX_PASSAGE),
            dataset=name(item, 'dataset_name'),
            document_id=name(item, 'document_id'),
            segment_id=name(item, 'segment_id'),
            score=number(item, 'score'),
            url=_web_address(item) or _web_address(mapping(item, 'doc_metadata')),
        )
        for index, item in enumerate(resources, 1)
    )


def usage(data: Payload) -> Usage | None:
    """What an answer cost. All tokens zero means that nobody counted: then zero prices say nothing either."""
    if not data:
        return None
    tokens: list[int | None] = [count(data, key) for key in ('prompt_tokens', 'completion_tokens', 'total_tokens')]
    prices = [amount(data, key) for key in ('prompt_price', 'completion_price', 'total_price')]
    if not any(tokens):
        tokens = [None, None, None]
        prices = [price or None for price in prices]
    prompt, completion, total = tokens
    if total is None and prompt is not None and completion is not None:
        total = prompt + completion
    return Usage(
        prompt_tokens=prompt,
        completion_tokens=completion,
        total_tokens=total,
        prompt_price=prices[0],
        completion_price=prices[1],
        total_price=prices[2],
        currency=text(data, 'currency', 8).strip().upper(),
        latency=number(data, 'latency'),
        time_to_first_token=number(data, 'time_to_first_token'),
    )


def history_usage(row: Payload) -> Usage | None:
    """What newer servers keep with each message."""
    if count(row, 'total_tokens') is None and amount(row, 'total_price') is None:
        return None
    return usage({
        'prompt_tokens': row.get('message_tokens'),
        'completion_tokens': row.get('answer_tokens'),
        'total_tokens': row.get('total_tokens'),
        'total_price': row.get('total_price'),
        'currency': row.get('currency'),
        'latency': row.get('provider_response_latency'),
    })  # fmt: skip


def _of_tool(json_or_text: str, tool: str, tools: int) -> str:
    """One tool's share of a text that is JSON keyed by tool, most of the time."""
    shares = parse(json_or_text.encode()) if json_or_text.startswith('{') else None
    if shares is not None and tool in shares:
        share = shares[tool]
        json_or_text = share if isinstance(share, str) else json.dumps(share, ensure_ascii=False, indent=1)
    elif shares is not None and tools > 1:
        return ''
    return json_or_text[:MAX_TOOL_TEXT]


def _parent(data: Payload) -> str:
    parent = name(data, 'iteration_id') or name(data, 'loop_id')
    return '' if parent == name(data, 'node_id') else parent


def _round(data: Payload, *keys: str) -> int | None:
    """Dify counts from 0 on."""
    indices = [index for key in keys if (index := count(data, key)) is not None]
    return indices[0] + 1 if indices else None


def _dump_list(data: Payload, key: str) -> str:
    return json.dumps(mappings(data, key, 100), ensure_ascii=False)[:MAX_FORM]


def _name_in(url: str) -> str:
    try:
        return urlsplit(url).path.rpartition('/')[2][:MAX_NAME]
    except ValueError:
        return ''


def _web_address(data: Payload) -> str:
    url = text(data, 'url', MAX_URL)
    return url if url.startswith(('https://', 'http://')) else ''
