import pytest

from webapp.upstream.address import is_loopback, normalise


@pytest.mark.parametrize(
    ('typed', 'meant'),
    [
        ('https://api.dify.ai/v1', 'https://api.dify.ai/v1'),
        ('https://api.dify.ai/v1/', 'https://api.dify.ai/v1'),
        ('  https://api.dify.ai  ', 'https://api.dify.ai/v1'),
        ('"https://api.dify.ai/v1"', 'https://api.dify.ai/v1'),
        ('HTTPS://API.Dify.ai/v1', 'https://api.dify.ai/v1'),
        ('api.dify.ai', 'https://api.dify.ai/v1'),
        ('https://cloud.dify.ai/app/8a7d/develop', 'https://api.dify.ai/v1'),
        ('https://dify.example.com/v1/chat-messages', 'https://dify.example.com/v1'),
        ('https://dify.example.com/chat-messages', 'https://dify.example.com/v1'),
        ('https://dify.example.com//v1//', 'https://dify.example.com/v1'),
        ('https://dify.example.com/console/api', 'https://dify.example.com/v1'),
        ('https://dify.example.com/api', 'https://dify.example.com/v1'),
        ('https://dify.example.com/apps', 'https://dify.example.com/v1'),
        ('https://dify.example.com/v1?x=1#y', 'https://dify.example.com/v1'),
        ('https://example.com/tools/dify/', 'https://example.com/tools/dify/v1'),
        ('https://example.com/tools/dify/v1/info', 'https://example.com/tools/dify/v1'),
        ('https://example.com/v1/dify/v1', 'https://example.com/v1/dify/v1'),
        ('http://10.0.0.5:5001', 'http://10.0.0.5:5001/v1'),
        ('localhost:5001/v1', 'http://localhost:5001/v1'),
        ('127.0.0.1:5001', 'http://127.0.0.1:5001/v1'),
        ('http://[::1]:5001/v1', 'http://[::1]:5001/v1'),
    ],
)
def test_forms_that_people_type(typed: str, meant: str) -> None:
    assert normalise(typed) == meant
    assert normalise(meant) == meant


@pytest.mark.parametrize(
    ('typed', 'why'),
    [
        ('', 'empty'),
        ('   ', 'empty'),
        ('https://', 'no host'),
        ('https:///v1', 'no host'),
        ('ftp://dify.example.com', 'http'),
        ('file:///etc/passwd', 'http'),
        ('https://user:app-secret@dify.example.com', 'API key has a setting'),
        ('https://dify.example.com/v1 app-x', 'blank'),
        ('https://dify.example.com/\nX: y', 'blank'),
        ('https://dify.example.com:port', 'read'),
        ('https://dify.example.com:99999', 'read'),
        ('https://[::1', 'read'),
        ('https://dify.example.com/../v1', '".."'),
    ],
)
def test_what_is_no_address_is_refused_with_a_reason(typed: str, why: str) -> None:
    with pytest.raises(ValueError, match=why) as refused:
        normalise(typed)
    assert 'secret' not in str(refused.value)


@pytest.mark.parametrize(
    ('url', 'answer'),
    [
        ('http://localhost/v1', True),
        ('http://127.8.0.1:80', True),
        ('http://[::1]:5', True),
        ('http://dify.localhost', True),
        ('http://10.0.0.1', False),
        ('http://localhost.example.com', False),
    ],
)
def test_loopback(url: str, answer: bool) -> None:
    assert is_loopback(url) is answer
