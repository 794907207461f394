"""Journeys take pictures. `make pictures` keeps them for the README; other runs let them go with the test."""

from pathlib import Path

import pytest
from support.camera import Camera


@pytest.fixture
def camera(request: pytest.FixtureRequest, tmp_path: Path) -> Camera:
    folder = request.config.getoption('--pictures')
    return Camera(Path(folder) if folder else tmp_path / 'pictures')
