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
    folders = {-2: ROOT}  # by the indentation of what stands in them
    for line in tree.splitlines():
        indentation = len(line) - len(line.lstrip())
        if indentation > 10:
            continue  # goes on with what the line above says
        folder = folders[max(depth for depth in folders if depth < indentation)]
        for name in re.split(r'\s{2,}', line.strip())[0].split():
            path = folder / name.strip(',')
            assert path.exists(), name
            folders = {depth: each for depth, each in folders.items() if depth < indentation} | {indentation: path}


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
