"""The public keys by which a provider signs."""

from collections.abc import Sequence
from dataclasses import dataclass

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from webapp.auth.wire import Json

PublicKey = RSAKey | ECKey | OKPKey

KINDS: dict[str, type[PublicKey]] = {'RSA': RSAKey, 'EC': ECKey, 'OKP': OKPKey}  # never a shared secret ("oct")
KIND_OF = {'RS': 'RSA', 'PS': 'RSA', 'ES': 'EC', 'Ed': 'OKP'}  # by the first letters of an algorithm
MAX_KEYS = 50


@dataclass(frozen=True, slots=True)
class Keys:
    keys: tuple[PublicKey, ...] = ()

    @staticmethod
    def of(metadata: Json) -> 'Keys':
        """The keys of a JWK set; those that we can't use are left out."""
        given = metadata.get('keys')
        described = given[:MAX_KEYS] if isinstance(given, list) else []
        return Keys(tuple(key for each in described if (key := _key(each))))

    def fitting(self, algorithm: str, kid: str | None) -> Sequence[PublicKey]:
        """Those that may have made a signature; without a `kid`, all of the right kind."""
        kind = KIND_OF.get(algorithm[:2])
        fitting = [key for key in self.keys if key.key_type == kind and key.get('alg') in {None, algorithm}]
        return fitting if kid is None else [key for key in fitting if key.get('kid') == kid]


def _key(described: object) -> PublicKey | None:
    if not isinstance(described, dict) or described.get('use', 'sig') != 'sig':
        return None
    kind = KINDS.get(str(described.get('kty')))
    try:
        return kind.import_key(described) if kind else None
    except (JoseError, ValueError, TypeError, KeyError):  # whatever a library may think of a broken key
        return None
