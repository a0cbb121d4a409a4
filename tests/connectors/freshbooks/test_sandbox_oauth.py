"""OAuth and identity of the FreshBooks sandbox."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from fb_sandbox_driver import Driver, Response, running

from connectors.kit.sandbox import Call
from connectors.platforms.freshbooks.sandbox import build
from connectors.platforms.freshbooks.sandbox.state import MAIN_ACCOUNT, SECOND_ACCOUNT

BACK = "http://127.0.0.1:9/back"
APP = {"client_id": "sandbox-app", "client_secret": "sandbox-app-secret"}


def consent(books: Driver, decision: str = "allow", **fields: str) -> Response:
    form = {"client_id": "sandbox-app", "redirect_uri": BACK, "response_type": "code", "state": "s 1", "decision": decision, **fields}
    return books.raw("POST", "/oauth/authorize", data=form)


def query_of(answer: Response) -> dict[str, list[str]]:
    assert answer.status_code == 302
    return parse_qs(urlsplit(answer.headers["Location"]).query)


def tokens(books: Driver, **fields: str) -> Response:
    return books.raw("POST", "/auth/oauth/token", data={**APP, **fields})


def by_code(books: Driver, **fields: str) -> dict[str, Any]:
    code = query_of(consent(books, **fields))["code"][0]
    return tokens(books, grant_type="authorization_code", code=code, redirect_uri=BACK).json()


def error_of(answer: Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]


def test_the_consent_page_asks_and_leads_back_with_code_and_state() -> None:
    with running() as books:
        query = {"client_id": "sandbox-app", "redirect_uri": BACK, "response_type": "code", "scope": "user:clients:read", "state": '"><b>'}
        page = books.raw("GET", "/oauth/authorize/", params=query)
        assert page.status_code == 200
        assert "user:clients:read" in page.text
        assert '"><b>' not in page.text
        found = query_of(consent(books))
        assert len(found["code"][0]) == 64
        assert found["state"] == ["s 1"]


def test_a_denial_leads_back_with_an_error_and_no_code() -> None:
    with running() as books:
        found = query_of(consent(books, "deny"))
        assert found["error"] == ["access_denied"]
        assert "code" not in found


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"client_id": "other"}, 500),
        ({"redirect_uri": "http://shop.example/back"}, 400),
        ({"redirect_uri": "https://shop.example/back?x=1"}, 400),
        ({"redirect_uri": "http://[x"}, 400),
        ({"response_type": "token"}, 400),
    ],
)
def test_what_cannot_be_authorised(fields: dict[str, str], status: int) -> None:
    with running() as books:
        assert consent(books, **fields).status_code == status
        assert books.raw("GET", "/oauth/authorize", params={"client_id": "sandbox-app", **fields}).status_code == status


def test_https_only_and_registered_addresses_only_when_switched() -> None:
    with running(redirects="https") as books:
        assert consent(books).status_code == 400
        assert consent(books, redirect_uri="https://app.example/back").status_code == 302
        books.admin("switch", redirect_uris=["https://app.example/other"])
        assert consent(books, redirect_uri="https://app.example/back").status_code == 400


def test_a_code_works_once_and_only_with_its_address() -> None:
    with running() as books:
        code = query_of(consent(books))["code"][0]
        fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK}
        assert tokens(books, **fields).status_code == 200
        assert error_of(tokens(books, **fields)) == (400, "invalid_grant")
        other = {**fields, "code": query_of(consent(books))["code"][0], "redirect_uri": "http://127.0.0.1:9/other"}
        assert error_of(tokens(books, **other)) == (400, "invalid_grant")


def test_a_code_dies_after_five_minutes() -> None:
    now = [1_780_000_000.0]
    sandbox = build("http://sandbox.example", {"auto_consent": True}, clock=lambda: now[0])

    def exchange_after(seconds: float) -> int:
        query = (("client_id", "sandbox-app"), ("redirect_uri", BACK), ("response_type", "code"))
        place = sandbox.handle(Call("GET", "/oauth/authorize", query, {}, b"", "")).headers["Location"]
        now[0] += seconds
        body = {**APP, "grant_type": "authorization_code", "redirect_uri": BACK, "code": parse_qs(urlsplit(place).query)["code"][0]}
        call = Call("POST", "/auth/oauth/token", (), {"content-type": "application/json"}, json.dumps(body).encode(), "")
        return sandbox.handle(call).status

    assert [exchange_after(299), exchange_after(301)] == [200, 400]


@pytest.mark.parametrize("style", ["form", "json", "multipart"])
def test_tokens_are_given_for_every_kind_of_body(style: str) -> None:
    with running() as books:
        code = query_of(consent(books, scope="user:clients:read"))["code"][0]
        fields = {**APP, "grant_type": "authorization_code", "code": code, "redirect_uri": BACK}
        options: dict[str, Any] = {
            "form": {"data": fields},
            "json": {"json": fields},
            "multipart": {"files": {name: (None, value) for name, value in fields.items()}},
        }[style]
        found = books.raw("POST", "/auth/oauth/token", **options).json()
        assert found["expires_in"] == 43200
        assert found["token_type"] == "Bearer"
        assert found["scope"] == "user:clients:read user:profile:read"
        claims = found["access_token"].split(".")[1]
        assert json.loads(base64.urlsafe_b64decode(claims + "=="))["scope"] == found["scope"]


def test_refresh_rotates_and_the_old_token_is_dead() -> None:
    with running() as books:
        first = by_code(books)
        second = tokens(books, grant_type="refresh_token", refresh_token=first["refresh_token"]).json()
        assert second["refresh_token"] != first["refresh_token"]
        assert error_of(tokens(books, grant_type="refresh_token", refresh_token=first["refresh_token"])) == (400, "invalid_grant")
        books.token = second["access_token"]
        assert books.call("GET", "users/clients").status_code == 200
        books.token = first["access_token"]
        assert books.call("GET", "users/clients").status_code == 200  # lives until it expires


def test_wrong_clients_grants_and_bodies() -> None:
    with running(invalid_grant_status=401) as books:
        assert error_of(tokens(books, client_secret="no", grant_type="refresh_token")) == (401, "invalid_client")
        assert error_of(tokens(books, grant_type="refresh_token", refresh_token="no")) == (401, "invalid_grant")
        assert error_of(tokens(books, grant_type="password")) == (400, "unsupported_grant_type")
        for body, kind in ((b"{", "application/json"), (b"[]", "application/json"), (b"\xff\xfe", "application/x-www-form-urlencoded")):
            answer = books.raw("POST", "/auth/oauth/token", data=body, headers={"Content-Type": kind})
            assert error_of(answer) == (400, "invalid_request")


@pytest.mark.parametrize("named", ["access_token", "refresh_token", "bearer"])
def test_revoking_kills_both_tokens(named: str) -> None:
    with running() as books:
        pair = by_code(books)
        books.token = pair["access_token"]
        body = {} if named == "bearer" else {"token": pair[named]}
        answer = books.raw("POST", "/auth/oauth/revoke", json=body)
        assert (answer.status_code, answer.json()) == (200, {})
        assert books.call("GET", "users/clients").status_code == 401
        assert error_of(tokens(books, grant_type="refresh_token", refresh_token=pair["refresh_token"])) == (400, "invalid_grant")


def test_access_tokens_expire_and_can_be_renewed() -> None:
    with running(token_lifetime=0) as books:
        assert books.refused("GET", "users/clients") == (401, 1003, "")
        books.admin("switch", token_lifetime=60)
        pair = tokens(books, grant_type="refresh_token", refresh_token="sandbox-refresh-token").json()
        books.token = pair["access_token"]
        assert books.call("GET", "users/clients").status_code == 200
        books.admin("expire_tokens")
        assert books.call("GET", "users/clients").status_code == 401
        again = tokens(books, grant_type="refresh_token", refresh_token=pair["refresh_token"]).json()
        books.admin("revoke_tokens")
        assert error_of(tokens(books, grant_type="refresh_token", refresh_token=again["refresh_token"])) == (400, "invalid_grant")


def me(books: Driver) -> dict[str, Any]:
    return books.raw("GET", "/auth/api/v1/users/me").json()["response"]


def test_identities() -> None:
    with running() as books:
        owner = me(books)
        assert owner["business_memberships"][0]["business"]["account_id"] == MAIN_ACCOUNT
        assert owner["roles"][0]["role"] == "admin"
        books.admin("identity", kind="several")
        assert [each["business"]["account_id"] for each in me(books)["business_memberships"]] == [MAIN_ACCOUNT, SECOND_ACCOUNT]
        books.admin("identity", kind="account_null")
        assert me(books)["business_memberships"][0]["business"]["account_id"] is None
        assert me(books)["roles"][0]["accountid"] == MAIN_ACCOUNT
        books.admin("identity", kind="no_books")
        assert me(books)["roles"] == []
        assert books.refused("GET", "users/clients") == (404, 1012, "accountid")
        books.token = "nobody"
        assert error_of(books.raw("GET", "/auth/api/v1/users/me")) == (401, "unauthenticated")


def test_two_businesses_have_books_of_their_own() -> None:
    with running(identity="several") as books:
        first, second = books.client(), books.ok("POST", "users/clients", {"client": {"fname": "Bo"}}, account=SECOND_ACCOUNT)["client"]
        assert books.ok("GET", "users/clients")["total"] == 1
        assert books.refused("GET", f"users/clients/{second['id']}") == (404, 1012, "userid")
        assert books.ok("GET", f"users/clients/{first['id']}")["client"]["fname"] == "Ida"


def test_a_client_of_the_books_reads_but_never_writes() -> None:
    with running() as books:
        books.client()
        books.admin("identity", kind="client")
        assert me(books)["roles"][0]["role"] == "client"
        assert me(books)["business_memberships"][0]["role"] == "owner"
        assert books.refused("POST", "users/clients", {"client": {"fname": "X"}}) == (403, 1003, "")
        assert books.ok("GET", "users/clients")["total"] == 1
        assert books.events("POST", body={"event": "invoice", "uri": "http://127.0.0.1:9/"}).status_code == 403


def test_a_token_without_the_scope_is_refused() -> None:
    with running() as books:
        books.token = by_code(books, scope="user:clients:read")["access_token"]
        assert books.ok("GET", "users/clients")["total"] == 0
        assert books.refused("POST", "users/clients", {"client": {"fname": "X"}}) == (403, 1003, "")
        assert books.ok("GET", "users/clients")["total"] == 0
        assert books.refused("GET", "invoices/invoices") == (403, 1003, "")
        assert books.events("POST", body={"event": "invoice", "uri": "http://127.0.0.1:9/"}).status_code == 403
        assert books.events("POST", body={"event": "client", "uri": "http://127.0.0.1:9/"}).status_code == 200
