"""Activations that begin in a shop: an unsigned post, a browser, an exchange; nothing that works is replaced before that held."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client

from audit.models import AuditRecord
from connectors.kit.contract import Connector
from connectors.kit.errors import Unauthorised
from credentials.accounts import way_of
from credentials.addresses import addresses_there
from credentials.models import Connection, Organization, Secret
from credentials.vault import read_secrets, set_secrets
from tests.credentials import shop_double
from tests.credentials.browser import person
from tests.credentials.platform_double import TokenServer

pytestmark = pytest.mark.django_db
TYPED = {"consumer_key": "typed", "consumer_secret": "typed", "access_token": "access-token-typed", "token_secret": "typed"}


@pytest.fixture
def exchanged() -> list[tuple[str, str]]:
    return []


@pytest.fixture
def shop(organization: Organization, server: TokenServer, platforms: dict[str, Connector], exchanged: list[tuple[str, str]]) -> Connection:
    platforms["shopway"] = shop_double.make_shop(server.url, exchanged)
    return Connection.objects.create(
        organization=organization, platform="shopway", label="Shop", base_url=server.url, settings={"auth": "activation"}
    )


def there(shop: Connection) -> tuple[str, str]:
    found = addresses_there(shop)
    assert list(found) == ["Callback URL", "Identity link URL"]
    callback, identity = (url.removeprefix("http://127.0.0.1:8000") for url in found.values())
    return callback, identity


def post(shop: Connection, **changes: str) -> int:
    body = {"consumer_key": "ck-1", "consumer_secret": "cs-1", "verifier": "v-1", "base": f"{shop.base_url}/", **changes}
    form = "application/x-www-form-urlencoded"
    return Client(enforce_csrf_checks=True).post(there(shop)[0], urlencode(body), content_type=form).status_code


def test_the_whole_way(owner: Client, shop: Connection, exchanged: list[tuple[str, str]]) -> None:
    assert post(shop) == 200
    assert exchanged == []
    back = f"{shop.base_url}/admin/done?x=1"
    answer = owner.get(there(shop)[1], {"oauth_consumer_key": "ck-1", "success_call_back": back})
    assert answer.headers["Refresh"] == f"0;url={back}"
    assert exchanged == [("cs-1", "v-1")]
    found = read_secrets(shop)
    assert found == {
        "consumer_key": "ck-1",
        "consumer_secret": "cs-1",
        "access_token": "access-token-activated",
        "token_secret": "token-secret-activated",
    }
    assert AuditRecord.objects.filter(action="connection_authorised", actor="ada").count() == 1
    assert owner.get(there(shop)[1], {"oauth_consumer_key": "ck-1"}).status_code == 400  # used up
    assert len(exchanged) == 1


def test_what_is_posted_counts_for_nothing_by_itself(shop: Connection) -> None:
    set_secrets(shop, TYPED)
    assert post(shop) == 200
    assert {name: value for name, value in read_secrets(shop).items() if name in TYPED} == TYPED


@pytest.mark.parametrize("changes", [{"base": "https://elsewhere.example/"}, {"base": ""}])
def test_another_shop_s_post_is_refused(shop: Connection, changes: dict[str, str]) -> None:
    assert post(shop, **changes) == 400
    assert not Secret.objects.exists()


def test_strangers_and_wrong_addresses(owner: Client, shop: Connection, exchanged: list[tuple[str, str]]) -> None:
    assert post(shop) == 200
    callback, identity = there(shop)
    mine = {"oauth_consumer_key": "ck-1"}
    assert Client().get(identity, mine).headers["Location"].startswith("/admin/login/")
    assert person("eve", None).get(identity, mine).status_code == 404
    assert person("wil", shop.organization, "view_connection").get(identity, mine).status_code == 404
    assert owner.get(identity[:-2] + "z/", mine).status_code == 404
    assert Client().post(callback[:-2] + "z/", {}).status_code == 404
    assert Client().post(callback.replace("shopway", "ledgerly"), {}).status_code == 404
    assert Client().post(callback, b"x" * 20000, content_type="text/plain").status_code == 413
    assert Client().post(callback, b"nonsense", content_type="text/plain").status_code == 400
    assert exchanged == []
    assert owner.get(identity, {"oauth_consumer_key": "another"}).status_code == 400
    assert exchanged == []
    assert set(read_secrets(shop)) == set()


def test_after_five_minutes_it_is_too_late(owner: Client, shop: Connection, exchanged: list[tuple[str, str]]) -> None:
    assert post(shop) == 200
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=5, seconds=1)):
        owner.force_login(User.objects.get(username="ada"))
        answer = owner.get(there(shop)[1], {"oauth_consumer_key": "ck-1"})
    assert answer.status_code == 400
    assert "Click Activate in the shop again" in answer.content.decode()
    assert exchanged == []


def test_a_refused_exchange_leaves_what_worked(owner: Client, shop: Connection) -> None:
    set_secrets(shop, TYPED)
    assert post(shop) == 200

    def refuse(*_args: object) -> dict[str, str]:
        raise Unauthorised("The shop refused the verifier.")

    object.__setattr__(way_of(shop), "exchange", refuse)
    answer = owner.get(there(shop)[1], {"oauth_consumer_key": "ck-1"})
    assert (answer.status_code, "refused the verifier" in answer.content.decode()) == (400, True)
    assert read_secrets(shop) == TYPED


@pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example", "http://127.0.0.1.evil.example/"])
def test_the_browser_goes_back_to_its_own_shop_only(owner: Client, shop: Connection, back: str) -> None:
    assert post(shop) == 200
    answer = owner.get(there(shop)[1], {"oauth_consumer_key": "ck-1", "success_call_back": back})
    assert (answer.status_code, "Refresh" in answer.headers) == (400, False)


def test_four_typed_in_credentials_work_as_well(owner: Client, shop: Connection) -> None:
    User.objects.update(is_staff=True)
    page = owner.get(f"/admin/credentials/connection/{shop.pk}/change/")
    names = [name for name in page.context["adminform"].form.fields if name.startswith("secret_")]
    assert names == [f"secret_{name}" for name in TYPED]
    for address in addresses_there(shop).values():
        assert address in page.content.decode()
    posted = {"label": "Shop", "base_url": shop.base_url, "urls": "{}", "setting_auth": "activation", "setting_shop": ""}
    answer = owner.post(f"/admin/credentials/connection/{shop.pk}/change/", posted | {f"secret_{n}": v for n, v in TYPED.items()})
    assert answer.status_code == 302
    assert read_secrets(shop) == TYPED


def test_another_way_asks_for_other_things_and_forgets_the_tokens(owner: Client, shop: Connection) -> None:
    set_secrets(shop, TYPED)
    User.objects.update(is_staff=True)
    at = f"/admin/credentials/connection/{shop.pk}/change/"
    posted = {"label": "Shop", "base_url": shop.base_url, "urls": "{}", "setting_auth": "token", "setting_shop": ""}
    answer = owner.post(at, posted)
    assert answer.headers["Location"] == at
    assert "access_token" not in read_secrets(shop)
    fields = owner.get(at).context["adminform"].form.fields
    assert [name for name in fields if name.startswith("secret_")] == ["secret_typed_token"]


def test_what_another_way_left_does_not_follow_a_changed_address(owner: Client, shop: Connection) -> None:
    User.objects.update(is_staff=True)
    set_secrets(shop, {**TYPED, "typed_token": "of the other way", "client_secret": "of the app"})
    at = f"/admin/credentials/connection/{shop.pk}/change/"
    moved = {"label": "Shop", "base_url": "https://elsewhere.example", "urls": "{}", "setting_auth": "activation", "setting_shop": ""}
    assert set(owner.post(at, moved).context["adminform"].form.errors) == {f"secret_{name}" for name in TYPED}
    assert owner.post(at, moved | {f"secret_{name}": f"new {name}" for name in TYPED}).status_code == 302
    assert read_secrets(shop) == {name: f"new {name}" for name in TYPED}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("status", ["reauthorise", "ended"])
def test_new_keys_are_tried_at_once_where_jobs_wait_for_them(owner: Client, shop: Connection, server: TokenServer, status: str) -> None:
    User.objects.update(is_staff=True)
    Connection.objects.update(status=status, settings={"auth": "token"})
    server.dead_tokens = {"access-token-old"}
    at = f"/admin/credentials/connection/{shop.pk}/change/"
    posted = {"label": "Shop", "base_url": shop.base_url, "urls": "{}", "setting_auth": "token", "setting_shop": ""}
    assert owner.post(at, posted | {"secret_typed_token": "access-token-old"}).status_code == 302
    shop.refresh_from_db()
    assert shop.status == status
    assert owner.post(at, posted).status_code == 302  # nothing was entered: nothing is tried
    shop.refresh_from_db()
    checked = shop.checked_at
    assert owner.post(at, posted | {"secret_typed_token": "access-token-new"}).status_code == 302
    shop.refresh_from_db()
    assert shop.status == "active"
    assert checked is not None
    assert shop.checked_at is not None
    assert checked < shop.checked_at
