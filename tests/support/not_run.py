"""A skipped layer is not a green one: what could not run is said aloud, before the closing line."""

from collections import Counter
from pathlib import Path

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = Counter(_reason(report) for report in terminalreporter.stats.get('skipped', ()))
    if skipped:
        terminalreporter.section('NOT RUN')
    for (layer, why), tests in skipped.items():
        terminalreporter.write_line(f'NOT RUN: {layer}: {why} ({tests} tests)')


def _reason(report: pytest.TestReport) -> tuple[str, str]:
    """Layer and reason, from a skip worded `layer: reason`; else the test's folder is the layer."""
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    layer, colon, why = text.removeprefix('Skipped: ').partition(': ')
    return (layer, why) if colon else (Path(report.nodeid.partition('::')[0]).parent.name or 'tests', layer)
