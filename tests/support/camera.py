"""Pictures of what a person sees, for the README and for whoever wants to look."""

import io
import time
from itertools import pairwise
from pathlib import Path

from PIL import Image, ImageDraw
from playwright.sync_api import Page

LAST_SECONDS = 3.0  # how long a film shows its end


class Camera:
    """Keeps its pictures in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def still(self, page: Page, name: str) -> Path:
        """Take one picture."""
        path = self.folder / f'{name}.webp'
        _picture(page).save(path, quality=85, method=6)
        return path

    def film(self, page: Page, name: str, *, until: str, seconds: float = 30) -> Path:
        """Take picture after picture until the script `until` is true; the film runs as fast as it was seen."""
        frames, moments = [_picture(page)], [time.monotonic()]
        while not page.evaluate(until) and moments[-1] - moments[0] < seconds:
            frames.append(_picture(page))
            moments.append(time.monotonic())
        frames.append(_picture(page))
        moments += [time.monotonic(), time.monotonic() + LAST_SECONDS]
        path = self.folder / f'{name}.webp'
        lasting = [round(1000 * (later - earlier)) for earlier, later in pairwise(moments)]
        first, *others = frames
        first.save(path, save_all=True, append_images=others, duration=lasting, loop=0, quality=60, method=4)
        return path


def harbour(path: Path) -> Path:
    """Draw a small picture: a boat before the sunset."""
    image = Image.new('RGB', (640, 400), '#f6c28b')
    draw = ImageDraw.Draw(image)
    draw.ellipse((250, 130, 390, 270), fill='#e2574c')
    draw.rectangle((0, 230, 640, 400), fill='#31566b')
    draw.polygon([(180, 250), (330, 250), (300, 285), (210, 285)], fill='#f4efe6')
    draw.polygon([(255, 110), (255, 240), (330, 240)], fill='#f4efe6')
    image.save(path)
    return path


def _picture(page: Page) -> Image.Image:
    return Image.open(io.BytesIO(page.screenshot())).convert('RGB')
