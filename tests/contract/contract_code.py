"""What the code says of itself, read and not run: definitions, the words in them, and the tests there are."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from itertools import takewhile
from pathlib import Path

from contract_list import ROOT
from wire_tools import RECORDINGS

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Assign | ast.AnnAssign


@cache
def words(reference: str) -> str:
    """All texts in a definition but its docstrings. :raises LookupError: `module:name` is not there; says what is"""
    module, _, name = reference.partition(':')
    path = module_file(module)
    definition = _definitions(path).get(name) if path else None
    if definition is None:
        elsewhere = sorted(_elsewhere(name.rpartition('.')[2]), key=lambda other: -_likeness(other, reference))[:3]
        hint = f'there is {" and ".join(elsewhere)}' if elsewhere else 'nothing has that name'
        raise LookupError(f'{reference} is not there; {hint}')
    docstrings = {id(each) for node in ast.walk(definition) for each in _docstring(node)}
    texts = (node for node in ast.walk(definition) if isinstance(node, ast.Constant) and id(node) not in docstrings)
    return '\n'.join(str(text.value) for text in texts if isinstance(text.value, str | bytes))


def is_word(name: str, text: str) -> bool:
    """Whether a name of Dify's is a word of its own in a text."""
    return re.search(rf'(?<![\w-]){re.escape(name)}(?![\w-])', text) is not None


def file_of(node_id: str) -> Path:
    """The file of a test, given as `file.py::test`. :raises LookupError: there is none, or none of that id"""
    file, _, rest = node_id.partition('::')
    name, bracket, parameters = rest.partition('[')
    path = _test_files().get(file)
    if path is None:
        raise LookupError(f'{node_id}: no file of that name')
    definition = _definitions(path).get(name.replace('::', '.'))
    if not isinstance(definition, ast.FunctionDef | ast.AsyncFunctionDef):
        elsewhere = sorted(each for each, there in _test_files().items() if name in _definitions(there))
        raise LookupError(f'{node_id}: no such test; {" and ".join(elsewhere) or "no file"} has one of that name')
    for parameter in parameters.removesuffix(']').split('-') if bracket else ():
        if not _may_be(path, definition, parameter, parameters.removesuffix(']')):
            raise LookupError(f'{node_id}: the test has no parameter {parameter!r}')
    return path


def _may_be(path: Path, definition: ast.AST, part: str, whole: str) -> bool:
    """Whether an id may come from a test's parameters: literally, by a constant of its file, or as a recording."""
    if any((RECORDINGS / f'{whole}{suffix}').exists() for suffix in ('.sse', '.http')):
        return True
    decorators = getattr(definition, 'decorator_list', [])
    known = _definitions(path)
    named = {node.id for each in decorators for node in ast.walk(each) if isinstance(node, ast.Name)}
    sources = [*decorators, *(known[name] for name in named if name in known)]
    texts = {str(n.value) for each in sources for n in ast.walk(each) if isinstance(n, ast.Constant)}
    return part in texts or whole in texts


@cache
def _definitions(path: Path) -> dict[str, Definition]:
    """By name; what is in a class by both names."""
    return dict(_defined(ast.parse(path.read_text()).body))


def _defined(body: list[ast.stmt], prefix: str = '') -> Iterator[tuple[str, Definition]]:
    for node in body:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield f'{prefix}{node.name}', node
                if isinstance(node, ast.ClassDef):
                    yield from _defined(node.body, f'{prefix}{node.name}.')
            case ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)]):
                yield f'{prefix}{name}', node


def _elsewhere(name: str) -> Iterator[str]:
    """Where a name that was looked for is."""
    for path in (ROOT / 'webapp').rglob('*.py'):
        module = '.'.join(path.relative_to(ROOT).with_suffix('').parts).removesuffix('.__init__')
        yield from (f'{module}:{each}' for each in _definitions(path) if each.rpartition('.')[2] == name)


def _likeness(reference: str, other: str) -> int:
    """How many of their parts they begin with in common, and whether they are of the same class."""
    parts = zip(re.split('[.:]', reference), re.split('[.:]', other), strict=False)
    return len(list(takewhile(lambda both: both[0] == both[1], parts))) + 9 * (
        reference.partition(':')[2] == other.partition(':')[2]
    )


def module_file(module: str) -> Path | None:
    bare = ROOT.joinpath(*module.split('.'))
    return next((path for path in (bare.with_suffix('.py'), bare / '__init__.py') if path.exists()), None)


@cache
def _test_files() -> dict[str, Path]:
    """By basename, which no two of them share."""
    return {path.name: path for path in (ROOT / 'tests').rglob('test_*.py')}


def _docstring(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        first = node.body[0]
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
            yield first.value
