"""What is a formula, and what is money."""

import re

import pytest

from webapp.markdown import render


def formulas(text: str) -> int:
    return render(text, scope='m1-').count('<math')


def words(text: str) -> str:
    return re.sub(r'<[^>]*>', '', render(text, scope='m1-'))


@pytest.mark.parametrize(
    'text',
    [
        'It costs $5.',
        '$5-$10',
        '$5 - $10',
        'US$5, US$10',
        '**$5**-**$10**',
        'from $20/month to $30/month',
        '$1,000.00 and $2,000.00',
        'between $5/$6 and 7$.',
        'I have $ 5 and $ 6',
        '5$ or 6$',
        'R$5 e R$6',
        '$5K→$10K',
        '($5)($6)',
        'a $5\nb $6',
        '| $5 | $6 |\n|---|---|\n| $7 | $8 |',
        'echo $HOME/$USER',
        '\\$x\\$',
        '`$x$` and `\\(x\\)`',
        '```\n$$x$$ \\[y\\]\n```',
        '    $$x$$\n',
        'https://x.example/?$a=1&$b=$c',
        '[a](https://x.example/$a$)',
        '$$',
        '$',
        '$$\n\n$$',
        '\\(\\)',
        '\\(x',
    ],
)
def test_no_formula(text: str) -> None:
    assert formulas(text) == 0


@pytest.mark.parametrize(
    'text',
    [
        '$x$',
        '$x$, $y$',
        'Let $n$th be $5$.',
        '**$x$**',
        '其中$x$是',
        '$a_1 * b_1$ and $a_2 * b_2$',
        '$2\\sin x$',
        '$$x$$',
        '$$\nx\n$$',
        '\\(x\\)',
        '\\(5\\)',
        '\\[\nx\n\\]',
        '\\[\n- x\n= 3\n\\]',
        '- \\[x\\]',
        '> $$x$$',
        '| a |\n|---|\n| $|x|$ |',
        '\\(a<b\\)',
        'It costs $5 and $x$ is a formula',
        '# $x$',
        '[$x$](https://x.example)',
    ],
)
def test_formula(text: str) -> None:
    expected = {'$x$, $y$': 2, 'Let $n$th be $5$.': 2, '$a_1 * b_1$ and $a_2 * b_2$': 2}.get(text, 1)
    assert formulas(text) == expected
    assert '$' not in words(text.replace('$5 ', ''))


def test_displayed_formulas_are_blocks() -> None:
    assert ' display="block">' in render('\\[x\\]', scope='m1-')
    assert ' display="block">' in render('$$x$$', scope='m1-')
    assert 'display' not in render('\\(x\\) $x$', scope='m1-')


def test_equations_keep_their_columns() -> None:
    rendered = render('$$\\begin{aligned}a&=b\\\\c&=d\\end{aligned}$$', scope='m1-')
    assert rendered.count('<mtd class="right">') == rendered.count('<mtd class="left">') == 2
    assert 'style' not in rendered.replace('displaystyle', '')


@pytest.mark.parametrize(
    'latex', ['\\nosuchcommand', '{', 'x^{' * 400 + '}' * 400, '\\href{javascript:alert(1)}{x}', '\\def\\a{\\a\\a}\\a']
)
def test_what_is_not_understood_is_shown_as_its_source(latex: str) -> None:
    assert words(f'\\({latex}\\)') == f'\\({latex}\\)'
    assert '<code>' in render(f'\\({latex}\\)', scope='m1-')
