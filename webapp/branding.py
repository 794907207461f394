"""How an instance, or one of its apps, presents itself, and what can be told of a colour."""

from dataclasses import dataclass, fields, replace

MIN_CONTRAST = 4.5  # WCAG 2, AA, for text
STEPS = 200
WHITE, BLACK = (1.0, 1.0, 1.0), (0.0, 0.0, 0.0)

Light = tuple[float, float, float]  # red, green and blue as amounts of light, 0 to 1


@dataclass(frozen=True, slots=True)
class Logo:
    content: bytes
    extension: str  # 'png', 'svg' or 'webp'


@dataclass(frozen=True, slots=True)
class Branding:
    """What is not given is '' or `None`."""

    name: str = ''
    welcome: str = ''  # heading of an empty conversation
    accent: str = ''  # '#rrggbb'
    banner: str = ''
    logo: Logo | None = None

    def over(self, base: 'Branding') -> 'Branding':
        """This one; what it does not say is as in `base`."""
        given = {field.name: value for field in fields(self) if (value := getattr(self, field.name))}
        return replace(base, **given)


def logo(content: bytes) -> Logo:
    """:raises ValueError: it is no PNG, WebP or SVG image"""
    if content.startswith(b'\x89PNG\r\n\x1a\n'):
        return Logo(content, 'png')
    if content[:4] == b'RIFF' and content[8:12] == b'WEBP':
        return Logo(content, 'webp')
    if b'<svg' in content[:4096] and content.lstrip(b'\xef\xbb\xbf \t\r\n').startswith(b'<'):
        return Logo(content, 'svg')
    raise ValueError('is no PNG, WebP or SVG image')


def readable(colour: str, *grounds: str) -> str:
    """The tone nearest to `colour` in which text can be read on all `grounds`.

    :param grounds: all light, or all dark
    """
    light = _light(colour)
    backs = [_luminance(_light(ground)) for ground in grounds]
    end = BLACK if min(backs) > 0.18 else WHITE
    for step in range(STEPS + 1):
        tone = _hex(_mixed(light, end, step / STEPS))
        if all(_ratio(_luminance(_light(tone)), back) >= MIN_CONTRAST for back in backs):
            return tone
    return _hex(end)


def contrast(first: str, second: str) -> float:
    """Between 1 and 21, as WCAG 2 defines it; colours are `#rrggbb`."""
    return _ratio(_luminance(_light(first)), _luminance(_light(second)))


def _ratio(first: float, second: float) -> float:
    dark, bright = sorted((first, second))
    return (bright + 0.05) / (dark + 0.05)


def _light(colour: str) -> Light:
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return _linear(red), _linear(green), _linear(blue)


def _linear(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


def _encoded(light: float) -> int:
    value = 12.92 * light if light <= 0.0031308 else 1.055 * light ** (1 / 2.4) - 0.055
    return round(value * 255)


def _hex(light: Light) -> str:
    return '#' + ''.join(f'{_encoded(part):02x}' for part in light)


def _mixed(light: Light, end: Light, share: float) -> Light:
    red, green, blue = (part + (goal - part) * share for part, goal in zip(light, end, strict=True))
    return red, green, blue


def _luminance(light: Light) -> float:
    return 0.2126 * light[0] + 0.7152 * light[1] + 0.0722 * light[2]
