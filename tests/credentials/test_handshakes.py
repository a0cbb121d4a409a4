"""Hand-shakes in the browser: only the one who began it, once, in time; tokens stay out of addresses, pages and logs."""

from __future__ import annotations

import hashlib
import json
import logging
import random
import re
import secrets as random_secrets
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client, override_settings
from django.utils import timezone

from audit.models import AuditRecord
from connectors.kit.contract import Candidate
from credentials.handshakes import OAUTH, claim
from credentials.models import Authorisation, Connection, Membership, Organization, Secret
from credentials.vault import has_secret, read_secrets, set_secrets
from tests.credentials.browser import leave, person, told
from tests.credentials.platform_double import TokenServer

pytestmark = pytest.mark.django_db
BOOKS = Candidate("Ada Ltd", {"account_id": "Ab3"})
OTHER = Candidate("Ada Two", {"account_id": "Zz9"})
GUEST = Candidate("A client's books", {"account_id": "Cc1"}, refusal="You are only a client of A client's books.")


def come_back(client: Client, state: str, **more: str) -> Any:
    return client.get("/connect/callback/", {"state": state, "code": "code-1", **more})


def test_the_browser_leaves_with_everything(owner: Client, books: Connection) -> None:
    with override_settings(PUBLIC_URL="https://tills.example"):
        gone = leave(owner, books)
    assert gone["address"].startswith("https://ledgerly.example/authorize/?response_type=code&")
    assert gone["redirect_uri"] == "https://tills.example/connect/callback/"
    assert (gone["client_id"], gone["scope"]) == ("app-client-id", "books:read books:write")
    assert len(gone["state"]) >= 43
    row = Authorisation.objects.get()
    assert row.state_hash == hashlib.sha256(gone["state"].encode()).hexdigest()
    assert gone["state"] not in str(row.__dict__)
    assert timedelta(minutes=9) < row.expires_at - timezone.now() <= timedelta(minutes=10)
    books.urls = {"authorize": "http://127.0.0.1:1/authorize?tenant=1"}
    books.save()
    assert leave(owner, books)["address"].startswith("http://127.0.0.1:1/authorize?tenant=1&response_type=code&")


def test_coming_back_connects(owner: Client, books: Connection, server: TokenServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    response = come_back(owner, leave(owner, books)["state"])
    assert response.status_code == 302
    assert response.headers["Location"].startswith("/admin/")
    assert "no-store" in response.headers["Cache-Control"]
    stored = Connection.objects.get()
    assert (stored.status, stored.ids) == ("active", {"account_id": "Ab3", "probed": "yes"})
    found = read_secrets(stored)
    assert (found["access_token"], found["refresh_token"]) == ("access-token-1", "refresh-token-1")
    assert server.forms[0]["grant_type"] == "authorization_code"
    assert server.forms[0]["redirect_uri"] == "http://127.0.0.1:8000/connect/callback/"
    actions = list(AuditRecord.objects.order_by("id").values_list("actor", "action"))
    assert actions == [("ada", "connection_authorised"), ("ada", "connection_active"), ("ada", "connection_test")]
    kept = json.dumps(list(AuditRecord.objects.values("message", "evidence"))) + str(response.headers)
    logged = "\n".join(record.getMessage() for record in caplog.records if record.name != "django.db.backends")
    for canary in ("access-token-1", "refresh-token-1", "app-client-secret"):
        assert canary not in kept
        assert canary not in logged


def expired(_client: Client, _state: str) -> None:
    Authorisation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))


def replayed(client: Client, state: str) -> None:
    assert come_back(client, state).status_code == 302


def logged_in_again(client: Client, _state: str) -> None:
    client.logout()
    client.force_login(User.objects.get(username="ada"))


def logged_out(client: Client, _state: str) -> None:
    client.logout()


def other_kind(_client: Client, _state: str) -> None:
    Authorisation.objects.update(kind="handover")


def no_longer_a_member(_client: Client, _state: str) -> None:
    Membership.objects.all().delete()


def no_longer_an_owner(_client: Client, _state: str) -> None:
    User.objects.get(username="ada").user_permissions.clear()


def switched_off(_client: Client, _state: str) -> None:
    User.objects.update(is_active=False)


TRICKS = [expired, replayed, logged_in_again, logged_out, other_kind, no_longer_a_member, no_longer_an_owner, switched_off]


@pytest.mark.parametrize("trick", TRICKS, ids=lambda trick: trick.__name__)
def test_an_answer_that_is_not_ours_is_refused(
    owner: Client, books: Connection, server: TokenServer, trick: Callable[[Client, str], None]
) -> None:
    state = leave(owner, books)["state"]
    trick(owner, state)
    before = (len(server.forms), Secret.objects.count(), Connection.objects.get().status)
    response = come_back(owner, state, code="code-2")
    assert response.status_code == 400
    assert "does not belong to a sign-in" in response.content.decode()
    assert state not in response.content.decode()
    assert "Location" not in response.headers
    assert (len(server.forms), Secret.objects.count(), Connection.objects.get().status) == before


def test_another_session_of_another_owner_is_refused_and_spoils_nothing(
    owner: Client, books: Connection, organization: Organization, server: TokenServer
) -> None:
    second = person("bob", organization, "change_connection")
    state = leave(owner, books)["state"]
    assert come_back(second, state).status_code == 400
    assert server.forms == []
    assert come_back(owner, state).status_code == 302


def test_a_thousand_forged_states_are_refused(owner: Client, books: Connection, server: TokenServer) -> None:
    real = leave(owner, books)["state"]
    choice = random.Random(26)

    def forge() -> str:
        position = choice.randrange(len(real))
        return choice.choice(
            [
                random_secrets.token_urlsafe(32),
                real[:position],
                real + choice.choice("A=. \x00"),
                real[:position] + ("A" if real[position] != "A" else "B") + real[position + 1 :],
                real.swapcase(),
                hashlib.sha256(real.encode()).hexdigest(),
                "",
                "' OR 1=1 --",
            ]
        )

    here = come_back(owner, forge()).wsgi_request
    assert {claim(forge(), OAUTH, request=here) for _ in range(1000)} == {None}
    assert {come_back(owner, forge()).status_code for _ in range(30)} == {400}
    assert server.forms == []
    assert not has_secret(books, "access_token")
    assert come_back(owner, real).status_code == 302


@pytest.mark.parametrize("answer", [{"code": "", "error": "access_denied"}, {"code": "stolen-code"}])
def test_no_access_given(owner: Client, books: Connection, answer: dict[str, str]) -> None:
    state = leave(owner, books)["state"]
    response = come_back(owner, state, **answer)
    assert response.status_code == 302
    assert Connection.objects.get().status == "new"
    assert not has_secret(books, "access_token")
    assert come_back(owner, state).status_code == 400  # used up


def test_a_client_only_role_is_refused_with_its_sentence(owner: Client, books: Connection, server: TokenServer) -> None:
    server.accounts = (GUEST,)
    come_back(owner, leave(owner, books)["state"])
    assert told(owner) == "You are only a client of A client's books."
    assert not has_secret(books, "access_token")
    assert not has_secret(books, "pending_grant")
    assert Connection.objects.get().status == "new"


def test_choosing_among_several_accounts(owner: Client, books: Connection, server: TokenServer) -> None:
    server.accounts = (BOOKS, OTHER, GUEST)
    response = come_back(owner, leave(owner, books)["state"])
    assert response.headers["Location"] == f"/connect/{books.pk}/account/"
    assert not has_secret(books, "access_token")  # not before it is settled
    page = owner.get(response.headers["Location"])
    keys = re.findall(r'name="account" value="([0-9a-f]{16})"', page.content.decode())
    assert len(keys) == 2
    assert "You are only a client" in page.content.decode()
    assert owner.post(response.headers["Location"], {"account": "0" * 16}).status_code == 302
    assert told(owner) == "That account is not among those that this sign-in reaches."
    owner.post(response.headers["Location"], {"account": keys[1]})
    stored = Connection.objects.get()
    assert (stored.status, stored.ids["account_id"]) == ("active", "Zz9")
    assert read_secrets(stored)["access_token"] == "access-token-1"
    assert not has_secret(books, "pending_grant")
    owner.get(response.headers["Location"])
    assert "no sign-in that waits for a choice" in told(owner)


def test_the_same_account_is_taken_again_and_another_never(owner: Client, books: Connection, server: TokenServer) -> None:
    Connection.objects.update(ids={"account_id": "Zz9"})
    set_secrets(books, {"access_token": "working-token", "refresh_token": "working-refresh"})
    server.accounts = (BOOKS, GUEST)
    come_back(owner, leave(owner, books)["state"])
    assert "reaches other accounts (Ada Ltd) than the one" in told(owner)
    assert read_secrets(books)["access_token"] == "working-token"
    server.accounts = (BOOKS, OTHER)
    come_back(owner, leave(owner, books)["state"], code="code-2")
    assert Connection.objects.get().ids["account_id"] == "Zz9"
    assert read_secrets(books)["access_token"] == "access-token-2"


@pytest.mark.parametrize("address", ["javascript:alert(1)", "//evil.example", "https://a.example/\nSet-Cookie: x=1", "ftp://a.example"])
def test_the_browser_leaves_for_web_addresses_only(owner: Client, books: Connection, address: str) -> None:
    Connection.objects.filter(pk=books.pk).update(urls={"authorize": address})
    assert owner.post(f"/connect/{books.pk}/oauth/").status_code == 302
    assert "is not a web address" in told(owner)
    assert not Authorisation.objects.exists()


def test_without_client_id_nothing_begins(owner: Client, connection: Connection) -> None:
    assert owner.post(f"/connect/{connection.pk}/oauth/").status_code == 302
    assert "Enter the client id" in told(owner)
    assert not Authorisation.objects.exists()


@pytest.mark.parametrize("kind", ["oauth", "handover", "account"])
def test_only_owners_of_the_organization_begin(books: Connection, organization: Organization, kind: str) -> None:
    address = f"/connect/{books.pk}/{kind}/"
    elsewhere = Organization.objects.create(name="Elsewhere", slug="elsewhere")
    assert person("stranger", None, "change_connection").post(address).status_code == 404
    assert person("other owner", elsewhere, "change_connection").post(address).status_code == 404
    assert person("support", organization, "view_connection").post(address).status_code == 403
    assert Client().post(address).headers["Location"].startswith("/admin/login/")
    assert not Authorisation.objects.exists()


def test_beginning_needs_a_post_with_csrf(books: Connection, owner: Client) -> None:
    assert owner.get(f"/connect/{books.pk}/oauth/").status_code == 405
    owner.handler.enforce_csrf_checks = True
    assert owner.post(f"/connect/{books.pk}/oauth/").status_code == 403
    assert not Authorisation.objects.exists()


def test_superusers_may(books: Connection) -> None:
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    assert come_back(client, leave(client, books)["state"]).status_code == 302
    assert Connection.objects.get().status == "active"
