"""NiceGUI's page as we need it: its template is changed once, at start.

- Only the template's own scripts get the nonce of our policy, whatever text a page carries.
- Our components come in one file, and are registered before anything is mounted. Where a page has a file of `WORDS`, a
  component finds those of its own area in `words`, and those of another in `{area}Words`.
- A page that is `PLAIN` has no element of Quasar's, so it does not wait for 250 kB of their styles.
- A page may have an `ICON` of its own.
"""

import re

from jinja2 import DictLoader
from nicegui import client

from webapp.edge import assets

NONCE, PLAIN, ICON, WORDS = 'nonce', 'plain', 'icon', 'words'  # in the request's state
PAGE = 'index.html'
SCRIPT = re.compile(r'<script(?=[\s>])|<link(?= rel="modulepreload")')
MIN_SCRIPTS = 8  # in the template of NiceGUI 3.18
LAYERS = re.compile(r' *<style>\s*@layer theme,.*?</style>\n', re.S)
FAVICON = '"{{ favicon_url }}"'
MOUNT = '      app.mount("#app");\n'
GIVE_WORDS = f"""\
      {{% if request.state.{WORDS} %}}
      import words from "{{{{ request.state.{WORDS} }}}}";
      for (const [tag, {{ props }}] of Object.entries(components)) {{
        for (const name of Object.keys(props).filter((name) => /words$/i.test(name))) {{
          const area = name === "words" ? tag.replace("{assets.TAG.format('')}", "") : name.replace("Words", "");
          props[name] = {{ type: Object, default: () => words[area] }};
        }}
      }}
      {{% endif %}}
"""


def prepare() -> None:
    """Change the template, unless that is done.

    :raises RuntimeError: it is not the one we know, and a page would have been dead
    """
    environment = client.templates.env
    assert environment.loader is not None
    source, _, _ = environment.loader.get_source(environment, PAGE)
    if NONCE not in source:
        environment.loader = DictLoader({PAGE: with_components(with_nonces(source))})


def with_nonces(template: str) -> str:
    """Let the policy admit the template's own scripts."""
    if len(SCRIPT.findall(template)) < MIN_SCRIPTS:
        raise RuntimeError('the page of this version of NiceGUI has another form than we know')
    return SCRIPT.sub(lambda tag: f'{tag[0]} nonce="{{{{ request.state.{NONCE} }}}}"', template)


def with_components(template: str) -> str:
    """Register our components, and leave out what a plain page has no use for."""
    if {template.count(MOUNT), len(LAYERS.findall(template)), template.count(FAVICON)} != {1}:
        raise RuntimeError('the page of this version of NiceGUI has another form than we know')
    register = (
        f'      import components from "{assets.url(assets.SCRIPT)}";\n'
        f'{GIVE_WORDS}'
        '      for (const [tag, component] of Object.entries(components)) app.component(tag, component);\n'
    )
    template = LAYERS.sub(lambda styles: f'{{% if not request.state.{PLAIN} %}}\n{styles[0]}{{% endif %}}\n', template)
    template = template.replace(FAVICON, f'"{{{{ request.state.{ICON} or favicon_url }}}}"')
    return template.replace(MOUNT, register + MOUNT)
