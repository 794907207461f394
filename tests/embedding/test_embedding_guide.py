"""What `docs/embedding.md` shows is true: its links lead somewhere, no refusal is missing, its key pair signs."""

import re
import subprocess
import sys
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from joserfc import jwt
from joserfc.jwk import ECKey

from webapp.ui import i18n

DOCS = Path(__file__).parents[2] / 'docs'
GUIDE = (DOCS / 'embedding.md').read_text()


def test_every_link_leads_somewhere() -> None:
    links = re.findall(r'\]\(([^)]+)\)', GUIDE)
    assert links
    for link in links:
        if not link.startswith('https:'):
            path, _, anchor = link.partition('#')
            target = DOCS / path if path else DOCS / 'embedding.md'
            assert target.exists(), link
            assert not anchor or anchor in anchors(target.read_text()), link


def test_every_refusal_is_explained() -> None:
    reasons = {key.removeprefix('refused_') for key in i18n.words('entry') if key.startswith('refused_')}
    explained = set(re.findall(r'^\| `(\w+)` \|', GUIDE.partition('## When it does not work')[2], re.MULTILINE))
    assert reasons
    assert reasons <= explained


def test_a_token_signed_with_the_key_pair_is_good(tmp_path: Path) -> None:
    key = generate_private_key(SECP256R1())
    (tmp_path / 'embed.pem').write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    (example,) = re.findall(r'```python\n(.*?)```', GUIDE, re.DOTALL)
    program = f'{example}\nprint(chat_token({{"sub": "customer-7", "name": "Zoë"}}))'
    ended = subprocess.run(
        [sys.executable, '-W', 'error', '-c', program], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    token = jwt.decode(ended.stdout.strip(), ECKey.import_key(public), algorithms=['ES256'])
    assert (token.header['alg'], token.header['kid']) == ('ES256', 'k2')
    assert (token.claims['sub'], token.claims['name']) == ('customer-7', 'Zoë')
    assert token.claims['exp'] - token.claims['iat'] == 60


def anchors(markdown: str) -> set[str]:
    headings = re.findall(r'^#+ (.+)$', re.sub(r'```.*?```', '', markdown, flags=re.DOTALL), re.MULTILINE)
    return {re.sub(r'[^\w -]', '', heading.lower()).replace(' ', '-') for heading in headings}
