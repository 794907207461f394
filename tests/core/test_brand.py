"""Colours that can be read, and logos."""

import pytest
from hypothesis import given, strategies as st

from webapp.branding import MIN_CONTRAST, Branding, contrast, logo, readable
from webapp.ui import theme

COLOURS = st.integers(0, 0xFFFFFF).map('#{:06x}'.format)
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"/>'


def test_contrast_is_that_of_wcag() -> None:
    assert contrast('#000000', '#ffffff') == pytest.approx(21)
    assert contrast('#777777', '#ffffff') == pytest.approx(4.48, abs=0.01)
    assert contrast('#123456', '#123456') == 1


@given(COLOURS, st.sampled_from([0, 1]))
def test_any_colour_has_a_tone_that_can_be_read(colour: str, at: int) -> None:
    grounds = [theme.tones()[name][at] for name in theme.BEHIND_ACCENT]
    tone = readable(colour, *grounds)
    assert min(contrast(tone, ground) for ground in grounds) >= MIN_CONTRAST
    assert contrast(tone, theme.tones()['on-accent'][at]) >= MIN_CONTRAST


def test_a_colour_that_can_be_read_stays_as_it_is() -> None:
    assert readable('#1f6658', '#ffffff', '#f6f4f0') == '#1f6658'
    assert readable('#ffd400', '#191817') == '#ffd400'


def test_an_app_says_what_differs_from_the_instance() -> None:
    instance = Branding(name='Helpdesk', accent='#1f6658', banner='Closed today', logo=logo(SVG))
    assert Branding(accent='#aa0000').over(instance) == Branding(
        name='Helpdesk', accent='#aa0000', banner='Closed today', logo=logo(SVG)
    )


@pytest.mark.parametrize(
    ('content', 'extension'),
    [
        (b'\x89PNG\r\n\x1a\n...', 'png'),
        (b'RIFF\x00\x00\x00\x00WEBPVP8 ', 'webp'),
        (b'\xef\xbb\xbf<?xml version="1.0"?>\n' + SVG, 'svg'),
    ],
)
def test_a_logo_is_known_by_its_content(content: bytes, extension: str) -> None:
    assert logo(content).extension == extension


@pytest.mark.parametrize('content', [b'', b'GIF89a', b'name = "<svg"', b'RIFF\x00\x00\x00\x00WAVE'])
def test_what_is_no_logo_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match='no PNG'):
        logo(content)
