"""Prices, counts, times and shares are written as the reader writes numbers, by `static/numbers.js`."""

import pytest
from gallery_support import Open
from playwright.sync_api import Page, expect

from webapp.edge import assets

GAP = '\N{NO-BREAK SPACE}'
RTL = '\N{RIGHT-TO-LEFT MARK}'
CALL = """async ([source, name, ...values]) => {
    const numbers = await import(URL.createObjectURL(new Blob([source], { type: 'text/javascript' })));
    return numbers[name](...values);
}"""


def written(page: Page, name: str, *values: str) -> str:
    """What a function of the script makes of some values."""
    source = (assets.static_dir() / 'numbers.js').read_text()
    source = source.replace('import { language } from "language";', 'const language = () => undefined;')
    text = page.evaluate(CALL, [source, name, *values])
    assert isinstance(text, str)
    return text


@pytest.mark.parametrize(
    ('amount', 'currency', 'text'),
    [
        ('0', 'USD', '$0.00'),
        ('1.5', 'usd', '$1.50'),
        ('0.0021000', 'EUR', '€0.0021'),
        ('0.0005225', 'USD', '$0.0005225'),
        ('0.123456789', 'USD', '$0.1234568'),
        ('0.0000001', 'USD', '$0.0000001'),
        ('0.00000004', 'USD', '<$0.0000001'),
        ('1E-9', 'USD', '<$0.0000001'),
        ('123456789012.1234567', 'USD', '$123,456,789,012.1234567'),  # a float has sixteen digits
        ('3', 'JPY', '¥3.00'),
        ('12345.6789', 'RMB', 'CN¥12,345.6789'),
        ('3', 'CHF', f'CHF{GAP}3.00'),
        ('3', 'XYZ', f'XYZ{GAP}3.00'),
        ('1.5', 'XYZ1', f'XYZ1{GAP}1.50'),
        ('1E-9', 'credits', f'<credits{GAP}0.0000001'),
        ('1.5', '$&', f'$&{GAP}1.50'),
        ('1.5', '', '1.50'),
    ],
)
def test_a_price_has_cents_and_no_noise(page: Page, amount: str, currency: str, text: str) -> None:
    assert written(page, 'price', amount, currency) == text


@pytest.mark.parametrize(
    ('locale', 'currency', 'text'),
    [
        ('de-DE', 'USD', f'1.234.567,0021{GAP}$'),
        ('de-DE', 'XYZ1', f'1.234.567,0021{GAP}XYZ1'),
        ('hi-IN', 'USD', '$12,34,567.0021'),
        ('tr-TR', 'EUR', '€1.234.567,0021'),
        ('ar-EG', 'XYZ1', f'{RTL}١٬٢٣٤٬٥٦٧٫٠٠٢١{GAP}XYZ1'),
    ],
)
def test_a_price_has_the_readers_signs_in_the_readers_places(page: Page, currency: str, text: str) -> None:
    assert written(page, 'price', '1234567.0021', currency) == text


@pytest.mark.parametrize(
    ('name', 'value', 'text'),
    [
        ('number', '0', '0'),
        ('number', '9007199254740993', '9,007,199,254,740,993'),  # the next after the last whole one of a float
        ('number', '4.20', '4.20'),
        ('share', '0.405', '41%'),
        ('share', '1', '100%'),
        ('share', '1e-05', '0%'),
    ],
)
def test_other_numbers_are_as_exact_as_they_come(page: Page, name: str, value: str, text: str) -> None:
    assert written(page, name, value) == text


@pytest.mark.parametrize(
    ('locale', 'tokens', 'price', 'least', 'total', 'seconds', 'step', 'share', 'size'),
    [
        (
            'en-US', '124,568', 'CN¥1.50', '<CN¥0.0000001', '126,192 tokens · $0.0042 + CN¥1.50, 3',
            '1,234.50', '0.4', '83%', '2.3 MB',
        ),
        (
            'de-DE', '124.568', '1,50 CN¥', '<0,0000001 CN¥', '126.192 tokens · 0,0042 $ + 1,50 CN¥, 3',
            '1.234,50', '0,4', '83 %', '2,3 MB',
        ),
        (
            'hi-IN', '1,24,568', 'CN¥1.50', '<CN¥0.0000001', '1,26,192 tokens · $0.0042 + CN¥1.50, 3',
            '1,234.50', '0.4', '83%', '2.3 MB',
        ),
        (
            'ar-EG', '١٢٤٬٥٦٨', f'{RTL}١٫٥٠ CN¥', f'<{RTL}٠٫٠٠٠٠٠٠١ CN¥',
            f'١٢٦٬١٩٢ tokens · {RTL}٠٫٠٠٤٢ US$ + {RTL}١٫٥٠ CN¥, ٣',
            '١٬٢٣٤٫٥٠', '٠٫٤', '٨٣٪\N{ARABIC LETTER MARK}', '٢٫٣ م.ب',
        ),
    ],
    ids=['en', 'de', 'hi', 'ar'],
)  # fmt: skip
def test_all_numbers_of_a_turn_are_the_readers(
    visit: Open, tokens: str, price: str, least: str, total: str, seconds: str, step: str, share: str, size: str
) -> None:
    page = visit('/counted')
    usage = page.get_by_test_id('usage')
    expect(usage).to_have_text(f'{tokens} tokens · {price}')
    expect(usage).to_have_accessible_name(f'{tokens} tokens · {price}')
    expect(page.get_by_test_id('conversation-usage')).to_have_text(f'This conversation: {total} answers')
    expect(page.get_by_test_id('message-file')).to_contain_text(size)
    usage.click()
    facts = page.get_by_role('dialog', name='What this answer cost').get_by_role('definition')
    expect(facts.nth(2)).to_have_text(tokens)
    expect(facts.nth(4)).to_have_text(least)
    expect(facts.nth(5)).to_have_text(price)
    expect(facts.nth(6)).to_have_text('–')
    expect(facts.nth(7)).to_have_text(f'{seconds} s')
    page.keyboard.press('Escape')
    page.locator('.steps > summary').click()
    expect(page.get_by_test_id('step').first).to_contain_text(f'done · {step} s')
    page.get_by_test_id('citation').first.click()
    expect(page.get_by_test_id('citation-panel').locator('[data-current]')).to_contain_text(f'{share} match')


@pytest.mark.parametrize('locale', ['de-DE'])
def test_the_time_of_a_step_is_there_while_the_answer_is_written(visit: Open) -> None:
    page = visit('/')
    page.get_by_test_id('composer-input').fill('/steps')
    page.get_by_test_id('composer-send').click()
    state = "document.querySelector('[data-status=running] .step-state')?.textContent"
    assert page.wait_for_function(state).json_value() == 'done · 1,5 s'


@pytest.mark.parametrize('locale', ['de-DE'])
def test_what_is_copied_has_its_numbers(visit: Open) -> None:
    page = visit('/counted')
    page.get_by_test_id('conversation-usage').select_text()
    selected = page.evaluate('String(getSelection())')
    assert selected == f'This conversation: 126.192 tokens · 0,0042{GAP}$ + 1,50{GAP}CN¥, 3 answers'
