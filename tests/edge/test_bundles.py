"""One script out of many modules."""

import os
import subprocess
import sys

import pytest

from webapp.edge import assets, bundles

KEYS = """\
/** Names. */
import { ref } from "vue";

export function newKey() {
  return ref("key");
}

export const FIRST = "first", SECOND = 2;
export async function later() {}
export class Box {}
"""
PART = 'import {\n  newKey as key,\n} from "keys";\nexport default {\n  part: key(),\n};\n'
WHOLE = 'import Part, { } from "part";\nexport default {\n  whole: Part,\n};\n'.replace(', { }', '')
LAZY = 'export const lazy = true;\n'


def test_modules_become_functions_in_the_order_of_their_imports() -> None:
    text = bundles.script({'whole': WHOLE, 'part': PART, 'keys': KEYS, 'lazy': LAZY}, tag='our-{}')
    places = [text.index(start) for start in ('import * as $vue', 'const $keys', 'const $part', 'const $whole')]
    assert places == sorted(places)
    assert 'return { newKey, FIRST, later, Box };' in text
    assert '{ newKey: key }' in text.replace('\n', '')
    assert text.endswith('export default { "our-whole": $whole.default, "our-part": $part.default };\n')
    assert '$lazy' not in text  # it is fetched when it is needed


@pytest.mark.parametrize(
    'source',
    ['import * as all from "keys";', 'import "keys";', 'export * from "keys";', 'export let x = 1;', 'export { x };'],
)
def test_other_forms_are_refused_at_start(source: str) -> None:
    with pytest.raises(ValueError, match='form that bundles'):
        bundles.script({'a': f'{source}\nexport default {{\n}};\n', 'keys': KEYS}, tag='{}')


def test_a_circle_is_refused_at_start() -> None:
    one, other = (f'import {{ x }} from "{name}";\nexport default {{\n}};\n' for name in 'ba')
    with pytest.raises(ValueError, match='import each other'):
        bundles.script({'a': one, 'b': other}, tag='{}')


def test_our_own_script_is_one_module_with_every_component() -> None:
    script = assets.files()[assets.SCRIPT].decode()
    for component in ('chat-frame', 'chat-thread', 'chat-composer', 'chat-conversations'):
        assert f'"{component}": $' in script


def test_every_process_makes_the_same_bundle() -> None:
    """Or each would tell browsers to fetch everything again."""
    code = 'from webapp.edge import assets; print(assets.version())'
    environments = [os.environ | {'PYTHONHASHSEED': str(seed)} for seed in (1, 2)]
    versions = [subprocess.check_output([sys.executable, '-c', code], env=each, text=True) for each in environments]
    assert versions[0] == versions[1]


def test_every_style_is_in_the_one_sheet_or_of_a_page_that_names_it() -> None:
    own = {name for name in assets.files() if name.endswith('.css')} - {assets.STYLE}
    assert own == {*assets.STYLES, *assets.FOR_SOME}
    assert all(assets.files()[name] in assets.files()[assets.STYLE] for name in assets.STYLES)
