"""One script out of many modules, so that a page asks for one file; made at start, without tools.

The modules stay what a reader and a debugger see: each becomes a function that returns what it exports, the imported
before who imports. Of the language's forms only these are understood, at the start of a line; any other is refused:

    import Parts, { copy, parse as read } from "messages";
    export default {
    export function copy() {
"""

import re
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter

IMPORT = re.compile(r'^import (?:(\w+)(?:, )?)?(?:\{([\w\s,]+)\})? from "(\w+)";$', re.M)
EXPORT = re.compile(r'^export ((?:async )?(?:function\*?|class|const) (\w+))', re.M)
DEFAULT = re.compile(r'^export default \{$', re.M)
LEFT_OVER = re.compile(r'^(?:import\b(?! *[(.])|export\b).*$', re.M)


def script(modules: Mapping[str, str], *, tag: str) -> str:
    """All components of `modules`, and what they import, as one module.

    Its default export names each component by its tag. Modules that are imported by `import()` alone stay out; those of
    others, such as `vue`, are imported as before.

    :param modules: source by name; a component is what one exports by default
    :param tag: of a component, with `{}` for the name of its module
    :raises ValueError: an import or an export of a form that we don't know, or imports in a circle
    """
    components = [name for name, source in modules.items() if DEFAULT.search(source)]
    parts = [
        _function(name, modules[name]) if name in modules else f'import * as ${name} from "{name}";'
        for name in _ordered(modules, components)
    ]
    tags = (f'"{tag.format(name.replace("_", "-"))}": ${name}.default' for name in components)
    return '\n'.join([*parts, f'export default {{ {", ".join(tags)} }};\n'])


def lean(source: str) -> str:
    """A script without indentation and lines of comments. Texts of several lines lose theirs, too."""
    lines = (line.strip() for line in source.splitlines())
    return '\n'.join(line for line in lines if line and not line.startswith(('//', '/**')))


def _ordered(modules: Mapping[str, str], components: list[str]) -> Iterator[str]:
    """`components` and everything that they import, in the order in which it must stand."""
    needs: dict[str, list[str]] = {}  # in one order, so that every process makes the same bundle
    waiting = list(components)
    while waiting:
        name = waiting.pop()
        if name not in needs:
            needs[name] = [match[3] for match in IMPORT.finditer(modules.get(name, ''))]
            waiting += needs[name]
    try:
        yield from TopologicalSorter(needs).static_order()
    except CycleError as error:
        raise ValueError(f'scripts import each other: {", ".join(error.args[1])}') from error


def _function(name: str, source: str) -> str:
    exports = [match[2] for match in EXPORT.finditer(source)]
    if DEFAULT.search(source):
        exports.append('default: component')
    body = DEFAULT.sub('const component = {', EXPORT.sub(r'\1', IMPORT.sub(_taken, source)))
    if unknown := LEFT_OVER.search(body):
        raise ValueError(f'{name}.js: "{unknown[0]}" has a form that bundles don\'t know')
    return f'const ${name} = (() => {{\n{body}\nreturn {{ {", ".join(exports)} }};\n}})();'


def _taken(match: re.Match[str]) -> str:
    default, names, name = match.groups()
    taken = [f'default: {default}'] if default else []
    taken += [names.strip().rstrip(',').replace(' as ', ': ')] if names else []
    return f'const {{ {", ".join(taken)} }} = ${name};'
