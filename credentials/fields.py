"""Encrypted model fields: django-fernet-fields-v2's name and format under a subclass that closes its holes.

Observed with version 0.9 on SQLite and PostgreSQL: bulk_update stored the text of the SQL expression as the secret, one tampered
row broke every list, dumpdata wrote plain text, and without FERNET_KEYS it quietly took SECRET_KEY.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NoReturn

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import FieldError, ImproperlyConfigured
from django.db.models import Case, Model, Value
from django.db.models.functions import Cast
from fernet_fields import EncryptedTextField as _EncryptedTextField
from fernet_fields.hkdf import derive_fernet_key

DUMPED = "encrypted:"  # marks ciphertext in dumpdata, so that loaddata knows it again


class CannotDecrypt(ValueError):
    """Someone tried to use a secret whose ciphertext was tampered with or whose key is gone."""


class SecretText(str):
    """Text that does not show itself in tracebacks, logs of values and error pages."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


class Undecryptable:
    """Stands for a value that cannot be decrypted: shows as a sentence, and refuses to be used as a secret.

    It keeps the ciphertext, so that saving its row again changes nothing.
    """

    __slots__ = ("ciphertext",)

    def __init__(self, ciphertext: bytes) -> None:
        self.ciphertext = ciphertext

    def __str__(self) -> str:
        return "cannot be decrypted"

    __repr__ = __str__

    def __format__(self, _spec: str) -> NoReturn:
        self._refuse()

    def encode(self, *_args: str) -> NoReturn:
        self._refuse()

    def __add__(self, _other: object) -> NoReturn:
        self._refuse()

    __radd__ = __add__

    def _refuse(self) -> NoReturn:
        raise CannotDecrypt(
            "A stored secret cannot be decrypted: its key is no longer in FERNET_KEYS, or the row was tampered with. Enter it again."
        )


class Ciphertext:
    """Bytes that are encrypted already; the field stores them as they are (key rotation)."""

    __slots__ = ("token",)

    def __init__(self, token: bytes) -> None:
        self.token = token


def is_readable(value: object) -> bool:
    """Whether a value read from an encrypted field can be used."""
    return not isinstance(value, Undecryptable)


def fernets() -> tuple[Fernet, ...]:
    """One Fernet per entry of FERNET_KEYS, newest first; never falls back to SECRET_KEY."""
    keys: Sequence[str] = getattr(settings, "FERNET_KEYS", None) or ()
    if not keys or not all(keys):
        raise ImproperlyConfigured("FERNET_KEYS is empty: it encrypts credentials and has no default.")
    return _fernets(tuple(keys), bool(getattr(settings, "FERNET_USE_HKDF", True)))


@lru_cache(maxsize=4)
def _fernets(keys: tuple[str, ...], derive: bool) -> tuple[Fernet, ...]:
    return tuple(Fernet(derive_fernet_key(key) if derive else key) for key in keys)


def decrypted(token: bytes) -> SecretText | Undecryptable:
    """The text of what an encrypted field keeps."""
    return _decrypted(token, fernets())


def decrypted_before(token: bytes) -> SecretText | Undecryptable:
    """The same, out of memory where this process decrypted it before: for what every job asks for. Nothing of a person goes here."""
    return _decrypted_before(token, fernets())


def _decrypted(token: bytes, keys: tuple[Fernet, ...]) -> SecretText | Undecryptable:
    try:
        return SecretText(MultiFernet(keys).decrypt(token).decode())
    except (InvalidToken, UnicodeDecodeError):
        return Undecryptable(token)


_decrypted_before = lru_cache(maxsize=512)(_decrypted)


def _is_encrypted_expression(expression: object) -> bool:
    """Whether every value in the expression goes through an encrypted field, as bulk_update writes it."""
    if isinstance(expression, Cast):
        return all(map(_is_encrypted_expression, expression.get_source_expressions()))
    if isinstance(expression, Case):
        results = [case.result for case in expression.cases] + [expression.default]
        return all(map(_is_encrypted_expression, results))
    if isinstance(expression, Value):
        return expression.value is None or isinstance(getattr(expression, "_output_field_or_none", None), EncryptedTextField)
    return False


class EncryptedTextField(_EncryptedTextField):  # type: ignore[misc]
    """Text that is a Fernet token in the table; keys come from FERNET_KEYS, newest first."""

    def get_db_prep_save(self, value: Any, connection: Any) -> Any:
        """The bytes for the table; SQL expressions only as bulk_update makes them, whose values come here one by one."""
        if hasattr(value, "as_sql"):
            if not _is_encrypted_expression(value):
                raise FieldError(f"{self.name} is encrypted: it takes text, not the SQL expression {type(value).__name__}.")
            return value
        token = self._token(value)
        return None if token is None else connection.Database.Binary(token)

    def _token(self, value: Any) -> bytes | None:
        if value is None:
            return None
        if isinstance(value, Undecryptable):
            return value.ciphertext
        if isinstance(value, Ciphertext):
            return value.token
        return MultiFernet(fernets()).encrypt(str(value).encode())

    def from_db_value(self, value: Any, _expression: object, _connection: object) -> SecretText | Undecryptable | None:
        return None if value is None else decrypted(bytes(value))

    def to_python(self, value: Any) -> Any:
        """Also takes back what value_to_string wrote."""
        if value is None or isinstance(value, Undecryptable):
            return value
        text = str(value)
        if text.startswith(DUMPED + "gAAAA"):  # every Fernet token begins so (version byte 0x80, time)
            return decrypted(text.removeprefix(DUMPED).encode())
        return SecretText(text)

    def value_to_string(self, obj: Model) -> str:
        """For dumpdata and serializers: the ciphertext, never the text."""
        token = self._token(self.value_from_object(obj))
        return "" if token is None else DUMPED + token.decode()

    def get_lookup(self, lookup_name: str) -> Any:
        """Nothing can be searched but NULL: equal texts have different ciphertexts."""
        if lookup_name != "isnull":
            raise FieldError(f"{self.name} is encrypted: it cannot be looked up by {lookup_name!r}, only by isnull.")
        return super().get_lookup(lookup_name)

    def get_transform(self, lookup_name: str) -> NoReturn:
        raise FieldError(f"{self.name} is encrypted: there is nothing to compute from it ({lookup_name!r}).")
