"""Checking webhook signatures: HMAC-SHA256 in base64 or hex, in constant time, RSA with public keys, and times in both directions."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from connectors.kit.errors import BadSignature

TOLERANCE = timedelta(minutes=5)


def hmac_sha256(secret: str, message: bytes) -> bytes:
    """The raw HMAC-SHA256 of a message under a secret taken as UTF-8."""
    return hmac.new(secret.encode(), message, hashlib.sha256).digest()


def base64_signature(secret: str, message: bytes) -> str:
    """The HMAC-SHA256 in standard base64 with padding."""
    return base64.b64encode(hmac_sha256(secret, message)).decode()


def hex_signature(secret: str, message: bytes) -> str:
    """The HMAC-SHA256 in lower-case hexadecimal."""
    return hmac_sha256(secret, message).hex()


def _check(given: Iterable[str], messages: Sequence[bytes], secrets: Sequence[str], make: Callable[[str, bytes], str]) -> None:
    wanted = [make(secret, message).encode() for secret in secrets if secret for message in messages]
    sent = [signature.strip().encode("utf-8", "surrogateescape") for signature in given]
    # No early exit: the time taken tells nothing about which secret fitted, or how far.
    if not sum(hmac.compare_digest(one, other) for one in sent for other in wanted):
        raise BadSignature("none of our secrets made this signature")


def check_base64(signature: str, messages: bytes | Sequence[bytes], secrets: Sequence[str]) -> None:
    """Raise BadSignature unless one of the secrets made this base64 signature of one of the messages."""
    _check([signature], [messages] if isinstance(messages, bytes) else messages, secrets, base64_signature)


def check_hex(signatures: str | Sequence[str], messages: bytes | Sequence[bytes], secrets: Sequence[str]) -> None:
    """Raise BadSignature unless one of the secrets made one of these hexadecimal signatures of one of the messages."""
    given = [signatures] if isinstance(signatures, str) else list(signatures)
    _check(given, [messages] if isinstance(messages, bytes) else messages, secrets, hex_signature)


def check_rsa(signatures: Sequence[str], message: bytes, keys: Sequence[str]) -> None:
    """Raise BadSignature unless the owner of one of these public keys (PEM) made one of these base64 signatures (RSA, PKCS #1 v1.5,
    SHA-256) of the message.
    """
    if not any(_made_by(key, signature, message) for key in keys for signature in signatures):
        raise BadSignature("none of the published keys fits this signature")


def _made_by(key: str, signature: str, message: bytes) -> bool:
    try:
        public = load_pem_public_key(key.encode())
        if not isinstance(public, RSAPublicKey):
            return False
        public.verify(base64.b64decode(signature, validate=True), message, PKCS1v15(), SHA256())
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, binascii.Error):
        return False
    return True


def check_timestamp(seconds: str, now: datetime, tolerance: timedelta = TOLERANCE) -> None:
    """Raise BadSignature unless a signed epoch time is near now. A time ahead of us is as suspicious as an old one."""
    if not (seconds.isascii() and seconds.isdigit() and len(seconds) <= 12):
        raise BadSignature("the signed time is not a number")
    if abs(now.timestamp() - int(seconds)) > tolerance.total_seconds():
        raise BadSignature("the signed time is too far from now")
