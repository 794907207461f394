"""Who may import whom, as `pyproject.toml` says."""

import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).parents[1]


def test_the_import_rules_hold() -> None:
    linter = Path(sys.executable).with_name('lint-imports')
    run = subprocess.run([linter, '--no-cache'], cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout
