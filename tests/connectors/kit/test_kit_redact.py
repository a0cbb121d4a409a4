"""Nothing secret survives: by name, by shape, by value, in addresses, headers, JSON, forms and text."""

from __future__ import annotations

import json

import pytest

from connectors.kit.redact import excerpt, is_secret_name, redact_headers, redact_json, redact_text, redact_url

CANARY = "canary-5f1c9e"


@pytest.mark.parametrize(
    "name",
    [
        "token", "access_token", "refreshToken", "secret", "client_secret", "password", "Authorization", "Proxy-Authorization",
        "consumer_key", "consumer_secret", "verifier", "oauth_verifier", "signature", "oauth_signature", "X-WC-Webhook-Signature",
        "X-FreshBooks-Hmac-SHA256", "api_key", "apiKey", "X-Api-Key", "private_key", "key", "order_key", "Cookie", "Set-Cookie",
        "X-Auth-Token", "X-Auth-Client", "credentials", "jwt",
    ],
)  # fmt: skip
def test_secret_names(name: str) -> None:
    assert is_secret_name(name)
    assert redact_json({name: CANARY, "total": "1.00"}) == {name: "***", "total": "1.00"}


@pytest.mark.parametrize(
    "name", ["code", "currency_code", "email", "idempotency_key", "token_type", "monkey", "name", "authorized", "p_code"]
)
def test_harmless_names(name: str) -> None:
    assert redact_json({name: "value"}) == {name: "value"}


def test_nested_secrets_and_empty_ones() -> None:
    value = {"a": [{"secret": {"x": CANARY}}, {"token": None, "verified": True, "key": ""}], "n": 3}
    assert redact_json(value) == {"a": [{"secret": "***"}, {"token": None, "verified": True, "key": ""}], "n": 3}


def test_metadata_pairs_are_judged_by_their_key() -> None:
    pairs = [{"key": "_gateway_token", "value": CANARY}, {"key": "colour", "value": "blue"}]
    assert redact_json(pairs) == [{"key": "_gateway_token", "value": "***"}, {"key": "colour", "value": "blue"}]


def test_bytes_are_read_as_json_form_or_text() -> None:
    assert redact_json(json.dumps({"token": CANARY, "amount": 1.5}).encode()) == {"token": "***", "amount": "1.5"}
    assert redact_json(f"verifier={CANARY}&name=a".encode()) == {"verifier": "***", "name": "a"}
    assert redact_json(f"oops {CANARY}".encode(), [CANARY]) == "oops ***"
    assert redact_json(b"\xff\xfe") == "\ufffd\ufffd"
    assert redact_json(b"[" * 100_000) == "[" * 100_000


def test_known_values_go_in_every_spelling() -> None:
    secret = 'p w"d/+'
    assert redact_text("a p%20w%22d%2F%2B b", [secret]) == "a *** b"
    assert redact_text(json.dumps({"x": secret}), [secret]) == '{"x": "***"}'
    assert redact_json({"note": f"uses {CANARY}", CANARY: 1}, [CANARY]) == {"note": "uses ***", "***": 1}


@pytest.mark.parametrize(
    "text",
    [
        "Bearer abcdef123456", "Basic Y2s6Y3NzZWNyZXQ=", "ck_" + "0a" * 20, "cs_" + "1b" * 20, "sk_live_abcdefgh1234", "whsec_abcdefgh12",
        "shpat_0123456789abcdef0123", "eyJhbGciOiJI.eyJzdWIiOiIx.c2lnbmF0dXJl",
    ],
)  # fmt: skip
def test_secrets_are_known_by_their_shape(text: str) -> None:
    assert redact_text(f"got {text}, sorry") == "got ***, sorry"


def test_headers() -> None:
    headers = {"Authorization": f"Bearer {CANARY}", "X-Shop": "a", "X-Other": f"k={CANARY}"}
    assert redact_headers(headers, [CANARY]) == {"Authorization": "***", "X-Shop": "a", "X-Other": "k=***"}


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (f"https://u:{CANARY}@h.example/p", "https://h.example/p"),
        (f"https://u:{CANARY}@x@h.example/p", "https://h.example/p"),
        (f"https://h.example/p?consumer_secret={CANARY}&page=1", "https://h.example/p?consumer_secret=***&page=1"),
        (f"https://h.example/p?a=1&oauth_nonce={CANARY}&oauth_token=x#f", "https://h.example/p?a=1&oauth_nonce=***&oauth_token=***#f"),
        (f"https://h.example/cb?code={CANARY}&state={CANARY}", "https://h.example/cb?code=***&state=***"),
        ("https://h.example/p?mail=a@b.example", "https://h.example/p?mail=a@b.example"),
    ],
)
def test_urls(url: str, shown: str) -> None:
    assert redact_url(url) == shown


def test_excerpt_is_one_safe_line() -> None:
    assert excerpt(b"a\r\nERROR forged\x1b[0m\xe2\x80\xae") == "a\\u000d\\u000aERROR forged\\u001b[0m\\u202e"
    assert excerpt("x" * 30, 10) == "xxxxxxxxxx... (30 in all)"
    assert CANARY[:6] not in excerpt("y" * 8 + CANARY, 12, [CANARY])


def test_deep_values_end() -> None:
    value: object = CANARY
    for _ in range(500):
        value = [value]
    assert CANARY not in json.dumps(redact_json(value))
