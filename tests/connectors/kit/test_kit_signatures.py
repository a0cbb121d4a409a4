"""HMAC and RSA checks against signatures made by other code, and times in both directions."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from connectors.kit.errors import BadSignature
from connectors.kit.signatures import base64_signature, check_base64, check_hex, check_rsa, check_timestamp, hex_signature

NOW = datetime(2026, 5, 6, 7, 8, 9, tzinfo=UTC)


def test_against_the_standard_library() -> None:
    digest = hmac.new(b"k\xc3\xa9y", b"body", hashlib.sha256).digest()
    assert base64_signature("kéy", b"body") == base64.b64encode(digest).decode()
    assert hex_signature("kéy", b"body") == digest.hex()


def test_any_of_the_secrets_and_messages_will_do() -> None:
    signature = base64_signature("old", b"two")
    check_base64(signature, [b"one", b"two"], ["new", "old"])
    check_base64(f" {signature} ", b"two", ["old"])
    check_hex(["00", hex_signature("old", b"two")], b"two", ["old"])


@pytest.mark.parametrize("signature", ["", "é", "x" * 10_000, base64_signature("k", b"bodY"), base64_signature("j", b"body"), "\udcff"])
def test_wrong_signatures(signature: str) -> None:
    with pytest.raises(BadSignature):
        check_base64(signature, b"body", ["k"])
    with pytest.raises(BadSignature):
        check_hex(signature, b"body", ["k"])


def test_an_empty_secret_signs_nothing() -> None:
    with pytest.raises(BadSignature):
        check_base64(base64_signature("", b"body"), b"body", [""])
    with pytest.raises(BadSignature):
        check_base64(base64_signature("", b"body"), b"body", [])
    with pytest.raises(BadSignature):
        check_hex([], b"body", ["k"])


@pytest.mark.parametrize("offset", [0, 300, -300])
def test_times_near_now_pass(offset: int) -> None:
    check_timestamp(str(int(NOW.timestamp()) + offset), NOW)


@pytest.mark.parametrize("seconds", [str(int(NOW.timestamp()) + 301), str(int(NOW.timestamp()) - 301), "", "1.5", "-1", "٣", "9" * 40, "x"])
def test_times_far_from_now_do_not(seconds: str) -> None:
    with pytest.raises(BadSignature):
        check_timestamp(seconds, NOW)


# ---- public keys -------------------------------------------------------------------------------------------

KEY = rsa.generate_private_key(65537, 2048)
SIGNED = base64.b64encode(KEY.sign(b"body", padding.PKCS1v15(), SHA256())).decode()


def pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def test_one_key_and_one_signature_of_several_will_do() -> None:
    other = pem(rsa.generate_private_key(65537, 2048))
    check_rsa([SIGNED], b"body", [pem(KEY)])
    check_rsa(["bm8=", SIGNED], b"body", [other, pem(KEY)])
    garbage = "-----BEGIN PUBLIC KEY-----\n!!\n-----END PUBLIC KEY-----"
    for keys in ([], [other], [""], [garbage], [pem(ec.generate_private_key(ec.SECP256R1()))]):
        with pytest.raises(BadSignature):
            check_rsa([SIGNED], b"body", keys)


@pytest.mark.parametrize("signature", ["", "é", "bm8=", "x" * 10_000, SIGNED[:-4], SIGNED + "!", "\udcff"])
def test_what_the_key_did_not_sign_is_refused(signature: str) -> None:
    with pytest.raises(BadSignature):
        check_rsa([signature], b"body", [pem(KEY)])
    with pytest.raises(BadSignature):
        check_rsa([SIGNED], b"bodY", [pem(KEY)])


def test_a_pss_signature_is_not_the_one_that_was_agreed_on() -> None:
    pss = KEY.sign(b"body", padding.PSS(padding.MGF1(SHA256()), padding.PSS.MAX_LENGTH), SHA256())
    with pytest.raises(BadSignature):
        check_rsa([base64.b64encode(pss).decode()], b"body", [pem(KEY)])
