"""`static/input_rules.js` in a real browser says of what people write into a form what the server says."""

from pathlib import Path

from playwright.sync_api import Page
from support.form_cases import CASES, FORM

from webapp import inputs

RULES = Path(__file__).parents[2] / 'static' / 'input_rules.js'
JUDGE = """async ({ source, cases }) => {
    const { problemOf } = await import(URL.createObjectURL(new Blob([source], { type: 'text/javascript' })));
    return cases.map(([field, value]) => problemOf(field, value));
}"""


def test_the_browser_judges_as_the_server_does(page: Page) -> None:
    fields = {
        field.variable: {
            'control': field.control,
            'required': field.is_required,
            'options': field.options,
            'most': inputs.most(field),
        }
        for field in FORM
    }
    cases = [(fields[variable], value) for variable, value, _ in CASES]
    found = page.evaluate(JUDGE, {'source': RULES.read_text(), 'cases': cases})
    assert [(*case[:2], problem) for case, problem in zip(CASES, found, strict=True)] == CASES
