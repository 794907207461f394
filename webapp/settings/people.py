"""People whom the settings name: admins and readers."""

from collections.abc import Sequence

from webapp.auth.admission import named
from webapp.auth.providers import Provider
from webapp.settings.given import Given


def read(given: Given, name: str, value: str, providers: Sequence[Provider]) -> frozenset[str]:
    """Subjects, `provider:subject` and addresses; a subject alone if only one provider can call somebody that."""
    people = frozenset(filter(None, map(str.strip, value.split(','))))
    names = [provider.name for provider in providers]
    for each in sorted(people) if len(names) > 1 else ():
        if named(each, names) is None:
            given.complain(
                f'{name} has {each}, and each of the {len(names)} providers may call somebody that; '
                f'write which one is meant, for example {names[0]}:{each}.'
            )
    return people
