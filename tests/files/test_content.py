"""What a file is goes by its content; its name is made to say so, or it is refused."""

import pytest
from files_support import EXE, GIF_AND_SCRIPT, PDF, SVG, WAV, ZIP, png

from webapp.errors import Refused
from webapp.files import content, rules
from webapp.upstream.parameters import Uploads

HEIC = b'\0\0\0\x18ftypheic\0\0\0\0mif1heic' + bytes(50)
MP4 = b'\0\0\0\x20ftypisom\0\0\2\0isomiso2avc1mp41' + bytes(50)


@pytest.mark.parametrize(
    ('name', 'data', 'becomes', 'media_type'),
    [
        ('photo.png', png(), 'photo.png', 'image/png'),
        ('PHOTO.PNG', png(), 'PHOTO.PNG', 'image/png'),
        ('photo.txt', png(), 'photo.png', 'image/png'),
        ('photo.jpg', png(), 'photo.png', 'image/png'),
        ('photo', png(), 'photo.png', 'image/png'),
        ('v1.2', png(), 'v1.2.png', 'image/png'),
        ('setup.png', EXE, 'setup.exe', 'application/x-msdownload'),
        ('report.pdf', PDF, 'report.pdf', 'application/pdf'),
        ('report.docx', ZIP, 'report.docx', 'application/zip'),
        ('table.csv', ZIP, 'table.zip', 'application/zip'),
        ('drawing.sketch', ZIP, 'drawing.sketch', 'application/octet-stream'),
        ('voice.mp3', WAV, 'voice.wav', 'audio/x-wav'),
        ('voice.m4a', MP4, 'voice.m4a', 'video/mp4'),
        ('phone.jpg', HEIC, 'phone.heic', 'image/heic'),
        ('notes.txt', b'BM is a make of car', 'notes.txt', 'text/plain'),
        ('notes.md', b'MZ is a rapper', 'notes.md', 'text/markdown'),
        ('notes.txt', 'Grüße'.encode('utf-16'), 'notes.txt', 'text/plain'),
        ('page.html', b'<script>alert(1)</script>', 'page.html', 'text/html'),
        ('drawing.svg', SVG, 'drawing.svg', content.SVG),
        ('trick.gif', GIF_AND_SCRIPT, 'trick.gif', 'image/gif'),
    ],
)
def test_names_say_what_the_content_is(name: str, data: bytes, becomes: str, media_type: str) -> None:
    assert content.examine(name, data) == content.Content(becomes, media_type)


@pytest.mark.parametrize(
    ('name', 'data'),
    [
        ('photo.png', b'not an image at all'),
        ('photo.jpg', bytes(range(256))),
        ('photo.svg', b'<html>no drawing</html>'),
        ('report.pdf', b'MZ or something else'),
        ('song.mp3', b'la la la'),
    ],
)
def test_what_only_claims_to_be_media_is_refused(name: str, data: bytes) -> None:
    with pytest.raises(Refused, match='file_mismatch'):
        content.examine(name, data)


def test_the_size_of_an_image_stands_in_its_head() -> None:
    image = content.Content('a.png', 'image/png')
    assert content.pixels(image, png(640, 480)[:40]) == (640, 480)
    assert content.pixels(content.Content('a.pdf', 'application/pdf'), PDF) is None
    for damaged in (png()[:12], png(60_000, 60_000), b''):
        with pytest.raises(Refused, match='file_mismatch'):
            content.pixels(image, damaged)


@pytest.mark.parametrize(
    ('media_type', 'piece'),
    [
        ('image/jpeg', b'\xff\xe1\x00\x02'),
        ('image/jpeg', b'\xff'),
        ('image/avif', b'\x00\x00\x00\x08free'),
        ('image/avif', b'\x00\x00\x00\x0cmeta\x00\x00\x00\x00'),
        ('image/png', b'\x00\x00\x00\x00iTXt\x00\x00\x00\x00'),
    ],
)
def test_heads_made_to_cost_time_come_to_an_end(media_type: str, piece: bytes) -> None:
    start = {
        'image/jpeg': b'\xff\xd8',
        'image/avif': b'\0\0\0\x18ftypavif\0\0\0\0mif1avif',
        'image/png': b'\x89PNG\r\n\x1a\n',
    }[media_type]
    head = (start + piece * (content.IMAGE_HEAD // len(piece)))[: content.IMAGE_HEAD]
    with pytest.raises(Refused):
        content.pixels(content.Content('a', media_type), head)


UPLOADS = Uploads(
    is_enabled=True, types=('image', 'custom'), extensions=('.pdf', '.kml'), methods=('local_file',), per_message=3,
    megabytes={'image': 10.0, 'document': 15.0},
)  # fmt: skip


@pytest.mark.parametrize(
    ('name', 'kind'), [('a.png', 'image'), ('a.PNG', 'image'), ('a.pdf', 'custom'), ('a.kml', 'custom')]
)
def test_an_app_takes_kinds_and_single_extensions(name: str, kind: str) -> None:
    most = 10 if kind == 'image' else 15
    assert rules.admit(UPLOADS, name) == (kind, most * 1024 * 1024)


@pytest.mark.parametrize('name', ['a.txt', 'a.exe', 'a.mp3', 'a', '.png'])
def test_an_app_refuses_everything_else(name: str) -> None:
    with pytest.raises(Refused, match='file_kind'):
        rules.admit(UPLOADS, name)
    with pytest.raises(Refused, match='upload_off'):
        rules.admit(Uploads(), name)


def test_the_file_dialog_offers_what_the_app_takes() -> None:
    offered = rules.accept(UPLOADS).split(',')
    assert {'image/jpeg', '.png', '.webp', '.pdf', '.kml'} <= set(offered)
    assert '.docx' not in offered
