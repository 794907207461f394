"""What the README says of settings and commands is what there is."""

import re
from pathlib import Path

from webapp import settings

ROOT = Path(__file__).parents[2]
README = (ROOT / 'README.md').read_text()


def test_every_setting_stands_in_the_readme_and_no_other() -> None:
    described = {
        f'| `{name}` | {f"`{default}`" if default else ""} | {words} |' for name, default, words in settings.described()
    }
    section = README.partition('## Settings')[2].partition('\n## ')[0]
    written = {line for line in section.splitlines() if line.startswith('| `')}
    assert {row.replace('|  |', '| |') for row in described} == written


def test_every_make_target_of_the_readme_exists() -> None:
    targets = set(re.findall(r'^(\w+):', (ROOT / 'Makefile').read_text(), re.MULTILINE))
    assert set(re.findall(r'\bmake ([a-z]+)\b(?=`|$)', README, re.MULTILINE)) <= targets


def test_every_file_and_folder_of_the_map_exists() -> None:
    tree = re.findall(r'```\n(webapp/\n.*?)```', README, re.DOTALL)[0]
    names = [name.strip(',') for line in tree.splitlines() for name in re.split(r'\s{2,}', line.strip())[0].split()]
    for name in names:
        assert (ROOT / 'webapp' / name).exists() or (ROOT / name).exists(), name


def test_every_dependency_has_its_reason() -> None:
    ours = re.findall(
        r'^    "([a-z0-9-]+)', (ROOT / 'pyproject.toml').read_text().partition('optional')[0], re.MULTILINE
    )
    section = README.partition('### Dependencies')[2].partition('\n##')[0]
    given = {
        name
        for line in section.splitlines()
        if line.startswith('| ')
        for name in line.split('|')[1].replace(',', ' ').split()
    }
    assert set(ours) <= given


def test_every_picture_of_the_readme_is_there() -> None:
    pictures = re.findall(r'!\[[^]]+\]\(([^)]+)\)', README)
    assert pictures
    for picture in pictures:
        assert (ROOT / picture).stat().st_size > 1000, picture
