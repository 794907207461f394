"""What becomes of Markdown."""

import re

import pytest

from webapp.markdown import render

HOSTS = re.compile(r' title="[a-z.]+\.example"')  # of links without a title of their own


def html(text: str) -> str:
    """The HTML of `text` without the attributes that all elements of a kind have."""
    rendered = render(text, scope='m1-')
    for attribute in (' dir="auto"', ' dir="ltr"', ' target="_blank"', ' rel="noopener noreferrer nofollow ugc"'):
        rendered = rendered.replace(attribute, '')
    return HOSTS.sub('', rendered)


def words(text: str) -> str:
    return re.sub(r'<[^>]*>', '', render(text, scope='m1-'))


@pytest.mark.parametrize(
    ('text', 'expected'),
    [
        ('# A *b*', '<h1>A <em>b</em></h1>'),
        ('a\nb  \nc', '<p>a<br>b<br>c</p>'),
        ('~~a~~ **b**', '<p><del>a</del> <strong>b</strong></p>'),
        ('- a\n- b', '<ul><li>a</li><li>b</li></ul>'),
        ('- a\n\n- b', '<ul><li><p>a</p></li><li><p>b</p></li></ul>'),
        ('3. a\n4. b', '<ol start="3"><li>a</li><li>b</li></ol>'),
        ('- [x] a', '<ul><li><input type="checkbox" disabled="" checked=""> a</li></ul>'),
        ('> a\n\n---', '<blockquote><p>a</p></blockquote><hr>'),
        (
            '|a|b|c|\n|:-|-:|-|\n|1|2',
            '<div class="table"><table><thead><tr><th align="left">a</th><th align="right">b</th><th>c</th></tr>'
            '</thead><tbody><tr><td align="left">1</td><td align="right">2</td><td></td></tr></tbody></table></div>',
        ),
        ('[a](https://x.example "t")', '<p><a href="https://x.example" title="t – x.example">a</a></p>'),
        ('[](https://x.example)', '<p><a href="https://x.example">https://x.example</a></p>'),
        ('<a@b.example>', '<p><a href="mailto:a@b.example">a@b.example</a></p>'),
        ('<https://x.example>', '<p><a href="https://x.example">https://x.example</a></p>'),
        ('see https://x.example/a_b_c.', '<p>see <a href="https://x.example/a_b_c">https://x.example/a_b_c</a>.</p>'),
        ('(https://x.example/(a))', '<p>(<a href="https://x.example/(a)">https://x.example/(a)</a>)</p>'),
        ('见https://x.example/a。好', '<p>见<a href="https://x.example/a">https://x.example/a</a>。好</p>'),
        ('[a][b]\n\n[b]: http://x.example', '<p><a href="http://x.example">a</a></p>'),
        ('```\n<b>\n```', '<div class="code"><pre><code>&lt;b&gt;\n</code></pre></div>'),
        ('    a\n\n    b\n', '<div class="code"><pre><code>a\n\nb\n</code></pre></div>'),
        ('- ```\n  a\n  ```', '<ul><li><div class="code"><pre><code>a\n</code></pre></div></li></ul>'),
        (
            '~~~mermaid\na-->b\n',
            '<div class="code" data-language="Mermaid"><pre>'
            '<code class="language-mermaid">a--&gt;b\n</code></pre></div>',
        ),
        ('a\r\nb\rc', '<p>a<br>b<br>c</p>'),
        ('a\x00b\ud800c', '<p>a\ufffdb\ufffdc</p>'),
        ('', ''),
        (' \n\t\n', ''),
    ],
)
def test_markdown_becomes_html(text: str, expected: str) -> None:
    assert html(text) == expected


@pytest.mark.parametrize(
    'text',
    [
        'List<int> and vector<string>',
        '<div>',
        'a <!-- b --> c',
        '<script>alert(1)</script>',
        '<a href="https://x.example">',
        '<br>',
        '</p>',
        'a < b > c',
        '&',
        '<x@',
    ],
)
def test_raw_html_is_shown_as_it_was_written(text: str) -> None:
    escaped = text.replace('&', '&amp;').replace('<', '&lt;').replace('>', '&gt;')
    link = '<a href="https://x.example">'
    assert html(text).replace(link, '').replace('</a>', '') == f'<p>{escaped}</p>'.replace(link, '')


def test_markdown_goes_on_within_raw_html() -> None:
    assert (
        html('<div>\n**a** `<b>`\n</div>')
        == '<p>&lt;div&gt;<br><strong>a</strong> <code>&lt;b&gt;</code><br>&lt;/div&gt;</p>'
    )
    assert html('\\<i> [a](<https://x.example/b c>)') == '<p>&lt;i&gt; <a href="https://x.example/b c">a</a></p>'
    assert '<td>a<br>b <code>&lt;br&gt;</code></td>' in html('|x|\n|-|\n|a<br/>b `<br>`|')  # a cell has no other way


def test_links_lead_to_the_web_only_and_say_where_to() -> None:
    assert html('[a](javascript:alert(1)) [b](/logout) [c](//evil.example) [d](#app)') == '<p>a b c d</p>'
    link = render('[a](https://x.example)', scope='m1-')
    rel = 'noopener noreferrer nofollow ugc'
    assert f'<a href="https://x.example" title="x.example" target="_blank" rel="{rel}">a</a>' in link


@pytest.mark.parametrize(
    'link',
    [
        '[bank.example](https://evil.example/login)',
        '[**https://bank.example**/login](https://evil.example)',
        'https://bank.example@evil.example/',
        '[Log in at https://bank.example now](https://evil.example)',
        '[go to www.bank.example today](https://evil.example)',
        '[b\u200bank.exam\u00adple](https://evil.example)',
        '[ｂank．example](https://evil.example)',
        '[help@bank.example](mailto:help@evil.example?subject=help@bank.example)',
    ],
)
def test_words_that_name_another_place_than_the_link_get_a_note_of_it(link: str) -> None:
    assert html(link).endswith('<span class="host">evil.example</span></p>')


def test_words_that_name_the_place_of_the_link_need_no_note() -> None:
    for link in ('[www.bank.example](https://bank.example/a)', '[page 3.2](https://bank.example)', '<a@bank.example>'):
        assert 'class="host"' not in html(link)
    assert 'class="host"' not in html('[bücher.example](https://bücher.example)')


def test_letters_that_look_like_others_are_shown_as_what_they_are() -> None:
    assert '<span class="host">xn--bnk-6cd.example</span>' in html('[bаnk.example](https://bаnk.example)')
    assert 'title="xn--bnk-6cd.example"' in html('[here](https://bаnk.example)')


def test_pictures_of_other_hosts_become_links() -> None:
    host = ' <span class="host">x.example</span></a>'
    assert html('![a *b*](https://x.example/y.png)') == (
        f'<p><a class="picture" href="https://x.example/y.png">a <em>b</em>{host}</p>'
    )
    assert html('![](https://x.example/a/y%20z.png?token=1)').endswith(f'">y z.png{host}</p>')
    assert html('![](https://x.example/track)') == f'<p><a class="picture" href="https://x.example/track">{host}</p>'
    assert html('![a](/logout) ![b](data:image/png;base64,x)') == '<p>a b</p>'
    assert html('[![a](https://x.example/y.png)](https://z.example)') == '<p><a href="https://z.example">a</a></p>'


def test_our_own_files_are_shown_to_be_enlarged_and_others_to_be_had() -> None:
    image = '<img src="/files/x_1?s=2" alt="a b" title="t" loading="lazy">'
    assert html('![a *b*](/files/x_1?s=2 "t")') == f'<p><a class="image" href="/files/x_1?s=2">{image}</a></p>'
    assert html('[![a](/files/x)](https://z.example)') == (
        '<p><a href="https://z.example"><img src="/files/x" alt="a" loading="lazy"></a></p>'
    )
    assert html('[*the* report](/files/x)') == (
        '<p><a class="download" href="/files/x?download=1"><em>the</em> report</a></p>'
    )
    assert html('[](/files/x)') == '<p><a class="download" href="/files/x?download=1">/files/x</a></p>'
    assert html('[a](/files/../logout) [b](/files/x/y) [c](//x/files/x)') == '<p>a b c</p>'


def test_code_is_named_as_people_call_its_language() -> None:
    names = {'py': 'Python', 'c++ title=x': 'C++', 'sh': 'Shell', 'objective-c': 'Objective-C', 'Gleam': 'Gleam'}
    for info, name in names.items():
        assert f'data-language="{name}"' in html(f'```{info}\nx\n```')


def test_formulas_keep_their_source_for_those_who_copy_them() -> None:
    assert html('$a < "b"$').startswith('<p><math alttext="a &lt; &quot;b&quot;"><mi>a</mi>')


def test_code_is_coloured_by_classes_and_nothing_of_it_is_lost() -> None:
    code = 'def f(x):\n\n\treturn "<a>\\n" + x  # é\n'
    block = html(f'```python title=x\n{code}```')
    assert '<span class="k">def</span> <span class="nf">f</span>' in block
    assert block.startswith('<div class="code" data-language="Python"><pre><code>')
    assert words(f'```python\n{code}```').replace('&lt;', '<').replace('&gt;', '>') == code
    assert '<span' not in html('```nosuchlanguage\nif\n```')
    assert '<span' not in html(f'```python\nx = "{"x" * 500}"\n```')  # a line too long
    assert html('```diff\n+a\n-b\n```').count('class="g') == 2
    assert 'data-language' not in html('```<b>\n```')


def test_footnotes_are_numbered_and_stand_at_the_end() -> None:
    note = html('a[^x] b[^y] c[^x]\n\n[^y]: **Y**\n\n[^x]: X\n\nd')
    first = '<sup><a id="m1-ref-1-1" href="#m1-note-1">1</a></sup>'
    assert note.startswith(
        f'<p>a{first} b<sup><a id="m1-ref-2-1" href="#m1-note-2">2</a></sup> c<sup><a id="m1-ref-1-2"'
    )
    assert note.endswith(
        '<p>d</p><section class="footnotes"><ol><li id="m1-note-1"><p>X</p> <a href="#m1-ref-1-1">↩</a></li>'
        '<li id="m1-note-2"><p><strong>Y</strong></p> <a href="#m1-ref-2-1">↩</a></li></ol></section>'
    )
    assert html('a[^x]') == '<p>a[^x]</p>'


def test_what_is_too_deep_too_wide_or_too_long_is_shown_as_words() -> None:
    deep = html('> ' * 200 + 'x **y**')
    assert deep.count('<blockquote>') == 50
    assert 'x y' in deep
    wide = html('|a' * 200 + '|\n' + '|-' * 200 + '|\n')
    assert '<table' not in wide
    assert wide.count('a') == 200 + '<p class="plain"></p>'.count('a')
    long = 'word *it* and\n\n' * 20_000
    assert words(long).count('word') == 20_000
    assert '<em>' not in html(long)[-10_000:]
    assert '<p class="plain">' in html(long)


def test_text_direction_is_each_blocks_own() -> None:
    rendered = render('# a\n\n> b\n\n- c\n\n|d|\n|-|\n|e|\n\n```\nf\n```', scope='m1-')
    for tag in ('h1', 'p', 'li', 'th', 'td', 'blockquote'):
        assert f'<{tag} dir="auto">' in rendered
    assert '<pre dir="ltr">' in rendered
