"""What an answer on the page has besides its text: copying, pictures of other hosts, tables, both directions."""

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect
from support.chat import answer_text, ask, open_page
from support.server import Server


@pytest.fixture
def answer(app: Server, context: BrowserContext, page: Page) -> 'Answer':
    context.grant_permissions(['clipboard-read', 'clipboard-write'])
    open_page(page, app.url)
    return Answer(page)


class Answer:
    """An answer of a given text, on the page of a running app."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def __call__(self, markdown: str) -> Locator:
        ask(self.page, f'/rate 0 /echo {markdown}')
        return answer_text(self.page)

    def clipboard(self) -> str:
        return self.page.evaluate('navigator.clipboard.readText()')

    def copied(self) -> str:
        """What the keys copy. The clipboard is filled a moment after them, and all pages share it."""
        self.page.evaluate("navigator.clipboard.writeText('')")
        self.page.keyboard.press('Control+C')
        return self.page.wait_for_function('navigator.clipboard.readText().then((text) => text || null)').json_value()


def test_code_is_copied_as_it_was_written(answer: Answer) -> None:
    code = answer('```c++\nif (a < b)\n\treturn "é"; // 日本\n```').locator('.code')
    button = code.get_by_test_id('code-copy')
    button.click()
    expect(button).to_have_attribute('data-done', 'true')
    assert answer.clipboard() == 'if (a < b)\n\treturn "é"; // 日本\n'


def test_the_line_above_code_names_its_language(answer: Answer) -> None:
    code = answer('```c++\nx\n```').locator('.code')
    assert code.evaluate('e => getComputedStyle(e, "::before").content') == '"C++"'


def test_long_lines_scroll_and_wrap_when_asked_to(answer: Answer) -> None:
    code = answer(f'```\n{"word " * 100}\n```').locator('.code')
    pre = code.locator('pre')
    expect(pre).to_have_attribute('tabindex', '0')  # the keyboard can scroll it
    code.get_by_test_id('wrap-code').click()
    assert pre.evaluate('e => e.scrollWidth <= e.clientWidth')
    code.get_by_test_id('wrap-code').click()
    assert pre.evaluate('e => e.scrollWidth > e.clientWidth')
    short = answer('```\nx\n```')
    expect(short.get_by_test_id('code-copy')).to_be_visible()
    expect(short.get_by_test_id('wrap-code')).to_be_hidden()


TABLE = """\
| Name | Price | *Note* |
|:--|--:|---|
| "A", b | -5 % | =HYPERLINK("https://evil.example") |
| `c\\|d`<br>e | +1,000.50 | @x |
| \\(x^2\\) | | [a](https://example.com/b) |
"""


def test_a_table_is_copied_as_csv_in_which_nothing_is_a_formula(answer: Answer) -> None:
    table = answer(TABLE).locator('.table')
    table.hover()
    table.get_by_test_id('table-csv').click()
    expect(table.get_by_test_id('table-csv')).to_have_attribute('data-done', 'true')
    assert answer.clipboard() == (
        'Name,Price,Note\r\n'
        '"""A"", b",-5 %,"\'=HYPERLINK(""https://evil.example"")"\r\n'
        '"c|d\ne","+1,000.50",\'@x\r\n'
        '$x^2$,,a\r\n'
    )


def test_a_table_is_copied_as_markdown(answer: Answer) -> None:
    table = answer(TABLE).locator('.table')
    table.hover()
    table.get_by_test_id('table-markdown').click()
    expect(table.get_by_test_id('table-markdown')).to_have_attribute('data-done', 'true')
    copied = answer.clipboard()
    assert '| Name | Price | *Note* |\n| :-- | --: | --- |\n' in copied
    again = answer(copied).locator('.table')
    assert again.inner_text() == table.inner_text()


def test_a_wide_table_scrolls_and_a_narrow_one_keeps_its_head_in_sight(answer: Answer) -> None:
    wide = answer('|' + 'a wide column|' * 30 + '\n|' + '-|' * 30 + '\n|' + 'x|' * 30).locator('.table')
    expect(wide).to_have_attribute('tabindex', '0')
    assert answer.page.evaluate('document.documentElement.scrollWidth <= innerWidth')
    narrow = answer('|a|b|\n|-|-|\n' + '|1|2|\n' * 60).locator('.table')
    answer.page.locator('.thread-scroll').evaluate('e => e.scrollTop -= 300')
    expect(narrow.locator('th').first).to_be_in_viewport()


def test_formulas_are_copied_as_their_source(answer: Answer) -> None:
    prose = answer('Euler: \\(e^{i\\pi} < 0\\), and\n\n$$\n\\frac{a}{b}\n$$')
    prose.evaluate('e => getSelection().selectAllChildren(e)')
    copied = answer.copied()
    assert 'Euler: $e^{i\\pi} < 0$, and' in copied
    assert '$$\\frac{a}{b}$$' in copied
    prose.locator('math').first.evaluate('e => getSelection().selectAllChildren(e)')
    assert answer.copied() == '$e^{i\\pi} < 0$'


def test_a_picture_of_another_host_waits_for_a_click(answer: Answer) -> None:
    asked: list[str] = []
    answer.page.on('request', lambda request: asked.append(request.url))
    link = answer('![A chart](https://tracker.example/chart.png?who=ada)').locator('a.picture')
    expect(link).to_have_text('A chart tracker.example')
    expect(link).to_have_attribute('href', 'https://tracker.example/chart.png?who=ada')
    assert 'tracker.example' in str(link.get_attribute('title'))
    assert not [url for url in asked if 'tracker' in url]


def test_a_footnote_is_no_place_in_the_history(answer: Answer) -> None:
    prose = answer('A note.[^1]\n\n[^1]: The note.')
    before = answer.page.url
    prose.locator('sup a').click()
    expect(prose.locator('.footnotes')).to_be_in_viewport()
    assert answer.page.url == before


DIRECTION = 'e => getComputedStyle(e).direction'
SIDES = """list => [...list.querySelectorAll('li')].map((item) => {
    const {left, right} = list.getBoundingClientRect();
    const own = item.getBoundingClientRect();
    return Math.round(own.left - left) > Math.round(right - own.right) ? 'left' : 'right';
})"""


@pytest.mark.parametrize('gap', ['\n', '\n\n'])
def test_items_have_their_marker_where_their_text_begins(answer: Answer, gap: str) -> None:
    items = answer(gap.join(['- left', '- مرحبا بالعالم', '- שלום', '- 12 left'])).locator('ul')
    assert items.evaluate(SIDES) == ['left', 'right', 'right', 'left']


def test_quotes_tables_and_code_have_their_direction(answer: Answer) -> None:
    prose = answer('> مرحبا\n\n|اسم|b|\n|-|-|\n|c|d|\n\n`مرحبا`\n\n```\nمرحبا\n```')
    found = {part: prose.locator(part).evaluate(DIRECTION) for part in ('blockquote', '.table', 'p > code', 'pre')}
    assert found == {'blockquote': 'rtl', '.table': 'rtl', 'p > code': 'ltr', 'pre': 'ltr'}


def test_nothing_is_wider_than_a_phone(answer: Answer) -> None:
    answer.page.set_viewport_size({'width': 360, 'height': 700})
    deep = ''.join(f'{"  " * depth}- item {depth}\n' for depth in range(20))
    long = f'{"w" * 500}\n\n`{"c" * 300}`\n\n$${"a+" * 200}b$$\n\n|{"x" * 200}|\n|-|\n'
    answer(f'{long}\n{deep}\n\n{"> " * 20}quoted words')
    assert answer.page.evaluate('document.querySelector(".thread-scroll").scrollWidth <= innerWidth')
    assert answer.page.locator('li').last.evaluate('e => e.getBoundingClientRect().width') > 100
