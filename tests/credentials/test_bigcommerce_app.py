"""BigCommerce's two ways: an app that is installed and removed at the platform, and the token of an API account."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from django.test import Client

from audit.models import Alert, AuditRecord
from connectors.kit.sandbox import Served, serve
from connectors.platforms.bigcommerce.sandbox import SANDBOX
from connectors.platforms.bigcommerce.sandbox.oauth import sign_token
from connectors.platforms.bigcommerce.sandbox.seed_keys import CLIENT_ID, CLIENT_SECRET
from credentials.addresses import addresses_there
from credentials.models import Connection, Organization
from credentials.services import open_api, probe_connection
from credentials.vault import read_secrets, set_secrets
from tests.credentials.browser import leave, person, told

pytestmark = pytest.mark.django_db
HERE = "http://127.0.0.1:8000/connect/bigcommerce/install/"


@pytest.fixture
def store() -> Iterator[Served]:
    served = serve(SANDBOX.build, {"seed": 3, "callback": HERE})
    yield served
    served.stop()


@pytest.fixture
def shop(store: Served, organization: Organization) -> Connection:
    """A connection that waits for its app."""
    facts = SANDBOX.connection(store.url)
    settings = {**facts["settings"], "auth": "app", "rate_per_second": 5000}
    made = Connection.objects.create(
        organization=organization, platform="bigcommerce", label="Outfitters", urls=facts["urls"], settings=settings
    )
    set_secrets(made, {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET})
    return made


def token_calls(store: Served) -> int:
    return sum(entry["path"] == "/oauth2/token" for entry in store.sandbox.log)


def come(client: Client, fields: dict[str, str]) -> Any:
    """BigCommerce sends the browser to us with a code."""
    return client.get("/connect/bigcommerce/install/", fields)


def confirm(client: Client, page: Any) -> Any:
    return client.post(f"/connect/bigcommerce/install/?{page.context['query']}", {"state": page.context["state"]})


def install(client: Client, store: Served) -> Any:
    return confirm(client, come(client, store.sandbox.command("install", {})))


def test_an_app_is_installed_from_our_page(owner: Client, shop: Connection, store: Served) -> None:
    there = addresses_there(shop)
    assert (there["App URL"], there["Uninstall URL"]) == (HERE, HERE.replace("/install/", "/uninstall/"))
    gone = leave(owner, shop)
    assert gone == {"address": f"{store.url}/app/{CLIENT_ID}/install"}, "the install page wants nothing but the app"
    back = requests.get(gone["address"], allow_redirects=False, timeout=5).headers["Location"]
    assert back.startswith(HERE)
    page = come(owner, dict(parse_qsl(urlsplit(back).query)))
    assert page.status_code == 200
    assert token_calls(store) == 0
    assert confirm(owner, page).status_code == 302
    shop.refresh_from_db()
    assert (shop.status, shop.ids["store_hash"], shop.token_expires_at) == ("active", "sandbox1", None)
    assert set(read_secrets(shop)) == {"client_id", "client_secret", "access_token"}
    assert open_api(shop).get("/v2/time").status == 200
    assert confirm(owner, page).status_code == 400, "a state is good for once"
    assert token_calls(store) == 1


def test_the_real_addresses(shop: Connection, owner: Client) -> None:
    shop.urls = {}
    shop.save()
    assert leave(owner, shop)["address"] == f"https://login.bigcommerce.com/app/{CLIENT_ID}/install"


def test_what_a_code_does_not_prove(owner: Client, shop: Connection, store: Served) -> None:
    fields = store.sandbox.command("install", {})
    stranger = person("eve", None)
    for client, wrong in ((stranger, {}), (owner, {"context": "stores/other"}), (owner, {"context": "shops/sandbox1"})):
        assert come(client, {**fields, **wrong}).status_code == 400
    assert come(Client(), fields).status_code == 400
    page = come(owner, {**fields, "code": "forged"})
    assert confirm(owner, page).status_code == 400
    assert (token_calls(store), read_secrets(shop).get("access_token")) == (1, None)
    assert not AuditRecord.objects.filter(action="connection_authorised").exists()


def test_missing_scopes_are_named(owner: Client, shop: Connection, store: Served) -> None:
    store.sandbox.command("switch", {"scopes": ["orders", "customers", "products", "information"]})
    install(owner, store)
    said = told(owner)
    assert "store_v2_transactions_read_only" in said
    assert "Order transactions: read-only" in said
    shop.refresh_from_db()
    assert shop.status != "active"


def test_a_refused_token_calls_a_person_and_is_never_refreshed(owner: Client, shop: Connection, store: Served) -> None:
    install(owner, store)
    store.sandbox.state.app_token = "another"  # the owner's e-mail changed, say
    assert not probe_connection(shop).ok
    shop.refresh_from_db()
    assert token_calls(store) == 1
    assert "does not accept our access token" in Alert.objects.get(closed_at=None).message
    install(owner, store)
    shop.refresh_from_db()
    assert (shop.status, token_calls(store), Alert.objects.filter(closed_at=None).count()) == ("active", 2, 0)


def test_a_removal_with_a_genuine_token_ends_the_connection(owner: Client, shop: Connection, store: Served) -> None:
    install(owner, store)
    came = store.sandbox.command("uninstall", {})
    assert Client().get("/connect/bigcommerce/uninstall/", came).status_code == 200
    shop.refresh_from_db()
    assert (shop.status, shop.status_reason) == ("ended", "The app was removed at the platform.")
    install(owner, store)
    shop.refresh_from_db()
    assert shop.status == "active"


NOW = {"nbf": 0, "exp": 2**33}
GOOD = {"aud": CLIENT_ID, "iss": "bc", "sub": "stores/sandbox1", **NOW}


@pytest.mark.parametrize(
    ("header", "claims", "secret"),
    [
        ({"alg": "none"}, GOOD, CLIENT_SECRET),
        ({"alg": "HS512"}, GOOD, CLIENT_SECRET),
        ({"alg": "HS256"}, GOOD, "another secret"),
        ({"alg": "HS256"}, GOOD, ""),
        ({"alg": "HS256"}, {**GOOD, "aud": "another app"}, CLIENT_SECRET),
        ({"alg": "HS256"}, {**GOOD, "iss": "us"}, CLIENT_SECRET),
        ({"alg": "HS256"}, {**GOOD, "sub": "stores/other"}, CLIENT_SECRET),
        ({"alg": "HS256"}, {**GOOD, "exp": 1}, CLIENT_SECRET),
        ({"alg": "HS256"}, {**GOOD, "nbf": 2**33 - 1}, CLIENT_SECRET),
        ({"alg": "HS256"}, {"sub": "stores/sandbox1"}, CLIENT_SECRET),
    ],
)
def test_removals_that_prove_nothing(shop: Connection, header: dict[str, str], claims: dict[str, Any], secret: str) -> None:
    Connection.objects.update(status="active")
    browser = Client()
    assert browser.get("/connect/bigcommerce/uninstall/", {"signed_payload_jwt": sign_token(header, claims, secret)}).status_code == 401
    for broken in ("", "a.b", "a.b.c", "!.!.!", sign_token({"alg": "HS256"}, GOOD, CLIENT_SECRET)[:-2]):
        assert browser.get("/connect/bigcommerce/uninstall/", {"signed_payload_jwt": broken}).status_code == 401
    shop.refresh_from_db()
    assert shop.status == "active"
    good = sign_token({"alg": "HS256"}, GOOD, CLIENT_SECRET)
    assert browser.get("/connect/bigcommerce/uninstall/", {"signed_payload_jwt": good}).status_code == 200


def test_a_token_as_the_platform_would_sign_it() -> None:
    """A vector made with another implementation (RFC 7515's way, by openssl)."""
    assert sign_token({"alg": "HS256", "typ": "JWT"}, {"sub": "stores/k7w2xq9"}, "s3cret") == (
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJzdG9yZXMvazd3MnhxOSJ9.9EMiLnzXpv5NumRwnOIo-GyxtVrL0BlxF1zeJFt2tUA"
    )


def test_the_app_opened_at_the_platform_leads_to_its_install_page(owner: Client, shop: Connection, store: Served) -> None:
    answer = come(owner, store.sandbox.command("load", {}))
    assert answer.headers["Refresh"] == f"0;url={store.url}/app/{CLIENT_ID}/install"
    assert come(owner, {"signed_payload_jwt": sign_token({"alg": "HS256"}, GOOD, "x")}).status_code == 400


def test_the_token_of_an_api_account_needs_no_app(store: Served, organization: Organization, owner: Client) -> None:
    facts = SANDBOX.connection(store.url)
    made = Connection.objects.create(
        organization=organization, platform="bigcommerce", label="Own", urls=facts["urls"], settings=dict(facts["settings"])
    )
    set_secrets(made, {"access_token": facts["secrets"]["access_token"]})
    assert probe_connection(made).ok
    made.refresh_from_db()
    assert made.status == "active"
    set_secrets(made, {"access_token": "revoked"})
    assert not probe_connection(made).ok
    assert token_calls(store) == 0
