"""Every way to authorise, on a platform that offers them all: what is sent, what is believed, and what is kept."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.db import connection as database
from django.test import Client
from django.utils import timezone

from audit.models import Alert, AuditRecord
from connectors import registry
from connectors.kit.contract import Connector
from connectors.kit.errors import Transient, Unauthorised
from credentials import single_flight
from credentials.idle import refresh_idle
from credentials.models import Authorisation, Connection, Organization, Secret
from credentials.services import open_api, probe_connection
from credentials.status import mark_ended
from credentials.tokens import forget_copies, tokens_of
from credentials.vault import read_secrets, set_secrets
from tests.credentials.browser import leave, person, told
from tests.credentials.platform_double import TokenServer
from tests.credentials.shop_double import address, make_shop, signed

pytestmark = pytest.mark.django_db
PAIR = {"client_id": "app-client-id", "client_secret": "app-client-secret"}


@pytest.fixture
def exchanged() -> list[tuple[str, str]]:
    return []


@pytest.fixture
def shop(organization: Organization, server: TokenServer, platforms: dict[str, Connector], exchanged: list[tuple[str, str]]) -> Connection:
    platforms["shopway"] = make_shop(server.url, exchanged)
    assert registry.get_connector("shopway").way({})[0] == "oauth"
    server.codes = {"code-1"}
    server.more = {"scope": "read_orders,write_items"}
    made = Connection.objects.create(
        organization=organization, platform="shopway", label="Shop", base_url=server.url, settings={"shop": "mugs"}
    )
    set_secrets(made, PAIR)
    return made


def using(shop: Connection, way: str) -> Connection:
    shop.settings = {**shop.settings, "auth": way}
    shop.save()
    forget_copies()
    return shop


def stamp(**fields: str) -> dict[str, str]:
    return {"shop": "mugs", "timestamp": str(int(timezone.now().timestamp())), **fields}


def nothing_came(server: TokenServer) -> None:
    assert server.forms == []
    assert not Secret.objects.filter(name="access_token").exists()
    assert not AuditRecord.objects.filter(action="connection_authorised").exists()


# ---- the code flow -----------------------------------------------------------------------------------------


def test_the_browser_goes_to_the_shop_s_own_address(owner: Client, shop: Connection) -> None:
    gone = leave(owner, shop)
    assert gone.pop("address").startswith(f"{shop.base_url}/admin/authorize?")
    assert len(gone.pop("state")) >= 43
    assert gone == {
        "client_id": "app-client-id",
        "redirect_uri": "http://127.0.0.1:8000/connect/callback/",
        "scope": "read_orders,write_items,read_all",
        "prompt": "yes",
    }


def test_a_shop_without_an_address_is_asked_for_it(owner: Client, shop: Connection) -> None:
    Connection.objects.update(base_url="")
    assert owner.post(f"/connect/{shop.pk}/oauth/").status_code == 302
    assert "Enter the address of the shop first" in told(owner)
    assert not Authorisation.objects.exists()


def test_a_signed_callback_connects(owner: Client, shop: Connection, server: TokenServer) -> None:
    server.more["refresh_token_expires_in"] = 7776000
    state = leave(owner, shop)["state"]
    assert owner.get("/connect/callback/", signed(stamp(code="code-1", state=state))).status_code == 302
    assert server.forms == [{**PAIR, "code": "code-1", "expiring": "1"}]
    shop.refresh_from_db()
    assert (shop.status, shop.ids["scopes"]) == ("active", "read_orders write_items")
    assert shop.refresh_expires_at is not None
    assert abs(shop.refresh_expires_at - timezone.now() - timedelta(days=90)) < timedelta(minutes=1)


@pytest.mark.parametrize("change", [{"hmac": "0" * 64}, {"code": "code-2"}, {"shop": "other"}, {"timestamp": "1"}])
def test_a_callback_with_a_wrong_signature_leaves_the_state_unused(
    owner: Client, shop: Connection, server: TokenServer, change: dict[str, str]
) -> None:
    state = leave(owner, shop)["state"]
    good = signed(stamp(code="code-1", state=state))
    assert owner.get("/connect/callback/", {**good, **change}).status_code == 400
    nothing_came(server)
    assert Authorisation.objects.get().used_at is None
    assert owner.get("/connect/callback/", good).status_code == 302
    assert owner.get("/connect/callback/", good).status_code == 400  # once
    assert len(server.forms) == 1


def test_an_old_timestamp_is_refused_though_it_is_signed(owner: Client, shop: Connection, server: TokenServer) -> None:
    state = leave(owner, shop)["state"]
    old = str(int(timezone.now().timestamp()) - 100)
    assert owner.get("/connect/callback/", signed(stamp(code="code-1", state=state, timestamp=old))).status_code == 400
    nothing_came(server)


def test_a_signed_callback_in_another_browser_is_refused(shop: Connection, server: TokenServer, owner: Client) -> None:
    other = person("bob", shop.organization, "change_connection", "view_connection")
    state = leave(owner, shop)["state"]
    assert other.get("/connect/callback/", signed(stamp(code="code-1", state=state))).status_code == 400
    nothing_came(server)


def test_missing_scopes_are_named_and_keep_the_connection_out_of_use(owner: Client, shop: Connection, server: TokenServer) -> None:
    server.more = {"scope": "write_orders"}  # brings read_orders
    state = leave(owner, shop)["state"]
    owner.get("/connect/callback/", signed(stamp(code="code-1", state=state)))
    shop.refresh_from_db()
    assert shop.status == "new"
    assert "lacks write_items. Allow it" in told(owner)
    assert Alert.objects.get().cause == f"probe:{shop.pk}"
    server.more, server.codes = {"scope": "write_orders write_items"}, {"code-1"}
    state = leave(owner, shop)["state"]
    owner.get("/connect/callback/", signed(stamp(code="code-1", state=state)))
    shop.refresh_from_db()
    assert shop.status == "active"
    assert Alert.objects.get().closed_at is not None


def test_a_token_that_lasts_needs_a_person_when_it_is_refused(owner: Client, shop: Connection, server: TokenServer) -> None:
    server.lasting = True
    set_secrets(using(shop, "lasting"), {"refresh_token": "of the time before"})
    state = leave(owner, shop)["state"]
    owner.get("/connect/callback/", signed(stamp(code="code-1", state=state)))
    shop.refresh_from_db()
    assert (shop.status, shop.token_expires_at) == ("active", None)
    assert set(read_secrets(shop)) == {*PAIR, "access_token"}
    server.dead_tokens = {"access-token-1"}
    assert not probe_connection(shop).ok
    shop.refresh_from_db()
    assert shop.status == "reauthorise"
    assert len(server.forms) == 1  # nothing to refresh with
    server.codes = {"code-1"}
    state = leave(owner, shop)["state"]
    owner.get("/connect/callback/", signed(stamp(code="code-1", state=state)))
    shop.refresh_from_db()
    assert shop.status == "active"


# ---- hits that begin at the platform -----------------------------------------------------------------------


def test_an_install_hit_goes_on_to_the_consent_page(owner: Client, shop: Connection) -> None:
    answer = owner.get("/connect/shopway/install/", signed(stamp()))
    assert answer.status_code == 200
    target = urlsplit(answer.headers["Refresh"].removeprefix("0;url="))
    assert dict(parse_qsl(target.query))["client_id"] == "app-client-id"
    row = Authorisation.objects.get()
    assert (row.kind, row.connection, row.used_at) == ("oauth", shop, None)


def test_install_hits_of_strangers_begin_nothing(owner: Client, shop: Connection, server: TokenServer) -> None:
    good, stranger = signed(stamp()), person("eve", None)
    watcher = person("wil", shop.organization, "view_connection")
    hits = [(owner, {**good, "shop": "other"}), (owner, {**good, "hmac": ""}), (owner, {"x": "1"}), (stranger, good), (watcher, good)]
    for client, fields in hits:
        answer = client.get("/connect/shopway/install/", fields)
        assert answer.status_code == 400
        assert "has no connection of yours to this shop" in answer.content.decode()
    assert Client().get("/connect/shopway/install/", good).headers["Location"].startswith("/admin/login/?next=/connect/shopway/install/")
    assert owner.get("/connect/ledgerly/install/", good).status_code == 404
    assert owner.get("/connect/nobody/install/", good).status_code == 404
    assert not Authorisation.objects.exists()


def come_with_code(client: Client, **more: str) -> Any:
    return client.get("/connect/shopway/install/", {"code": "code-1", "context": "mugs", "shop": "mugs", **more})


def confirm(client: Client, page: Any, **more: str) -> Any:
    at = address("/connect/shopway/install/", {"code": "code-1", "context": "mugs", "shop": "mugs", **more})
    return client.post(at, {"state": page.context["state"]})


def test_a_code_from_the_platform_waits_for_a_click(owner: Client, shop: Connection, server: TokenServer) -> None:
    using(shop, "opened")
    server.lasting, server.more = True, {"context": "mugs"}
    page = come_with_code(owner)
    assert page.status_code == 200
    nothing_came(server)
    assert confirm(owner, page).status_code == 302
    assert server.forms == [
        {
            **PAIR,
            "grant_type": "authorization_code",
            "code": "code-1",
            "context": "mugs",
            "redirect_uri": "http://127.0.0.1:8000/connect/shopway/install/",
        }
    ]
    shop.refresh_from_db()
    assert (shop.status, shop.ids["shop"]) == ("active", "mugs")
    assert confirm(owner, page).status_code == 400  # the state is used up
    assert len(server.forms) == 1


def test_a_code_of_another_shop_connects_nothing(owner: Client, shop: Connection, server: TokenServer) -> None:
    using(shop, "opened")
    server.lasting, server.more = True, {"context": "cups"}  # what the token answer says counts, not the address
    answer = confirm(owner, come_with_code(owner))
    assert (answer.status_code, "reaches other accounts (cups)" in answer.content.decode()) == (400, True)
    assert len(server.forms) == 1
    shop.refresh_from_db()
    assert shop.status == "new"
    assert not Secret.objects.filter(name="access_token").exists()


def test_a_code_is_not_taken_through_the_login_page_nor_by_others(owner: Client, shop: Connection, server: TokenServer) -> None:
    using(shop, "opened")
    anybody = come_with_code(Client())
    assert (anybody.status_code, "Log in to Tillbridge" in anybody.content.decode()) == (400, True)
    page = come_with_code(owner)
    other = person("bob", shop.organization, "change_connection", "view_connection")
    assert confirm(other, page).status_code == 400
    nothing_came(server)


def test_a_connection_that_begins_there_says_so(owner: Client, shop: Connection) -> None:
    using(shop, "opened")
    owner.post(f"/connect/{shop.pk}/oauth/")
    assert "begins at the platform" in told(owner)


def test_a_signed_removal_ends_the_connection(shop: Connection) -> None:
    Connection.objects.update(status="active")
    browser = Client()
    assert browser.get("/connect/shopway/uninstall/", {**signed(stamp()), "hmac": "0"}).status_code == 401
    shop.refresh_from_db()
    assert shop.status == "active"
    assert browser.get("/connect/shopway/uninstall/", signed(stamp())).status_code == 200
    shop.refresh_from_db()
    assert (shop.status, shop.status_reason) == ("ended", "The app was removed at the platform.")
    assert "connect it again to go on" in Alert.objects.get().message


def test_an_end_from_before_the_present_authorisation_is_none(owner: Client, shop: Connection) -> None:
    before = timezone.now()
    state = leave(owner, shop)["state"]
    owner.get("/connect/callback/", signed(stamp(code="code-1", state=state)))
    shop.refresh_from_db()
    assert not mark_ended(shop, "Removed.", at=before)
    shop.refresh_from_db()
    assert (shop.status, Alert.objects.count()) == ("active", 0)
    assert mark_ended(shop, "Removed.", at=timezone.now())
    assert not mark_ended(shop, "Removed.", at=timezone.now())
    shop.refresh_from_db()
    assert shop.status == "ended"
    assert probe_connection(shop).ok  # connected again: a real call worked
    shop.refresh_from_db()
    assert (shop.status, Alert.objects.get().closed_at is not None) == ("active", True)


# ---- refreshing --------------------------------------------------------------------------------------------


def expire(shop: Connection) -> None:
    set_secrets(shop, {"access_token": "access-token-0", "refresh_token": "refresh-token-0"})
    Connection.objects.update(token_expires_at=timezone.now() - timedelta(seconds=1), status="active")
    forget_copies()


def current(shop: Connection) -> str:
    tokens = tokens_of(Connection.objects.get(pk=shop.pk))
    assert tokens is not None
    return tokens.current()


def test_a_lost_answer_is_asked_for_again_with_the_same_refresh_token(shop: Connection, server: TokenServer) -> None:
    expire(shop)
    server.lose, server.forgiving = 1, True
    assert current(shop) == "access-token-2"
    assert [form["refresh_token"] for form in server.forms] == ["refresh-token-0"] * 2
    assert (server.reused, "redirect_uri" in server.forms[0]) == (0, False)
    assert read_secrets(shop)["refresh_token"] == "refresh-token-2"


def test_two_lost_answers_leave_the_stored_refresh_token_for_the_next_try(shop: Connection, server: TokenServer) -> None:
    expire(shop)
    server.lose, server.forgiving = 2, False
    server.broken = (503, b"{}")
    with pytest.raises(Transient):
        current(shop)
    shop.refresh_from_db()
    assert (shop.status, read_secrets(shop)["refresh_token"]) == ("active", "refresh-token-0")
    server.broken = None
    assert current(shop) == "access-token-1"


def test_an_idle_connection_is_refreshed_weekly(shop: Connection, server: TokenServer) -> None:
    set_secrets(shop, {"access_token": "access-token-0", "refresh_token": "refresh-token-0"})
    Connection.objects.update(status="paused")
    now = datetime.now(UTC)
    assert refresh_idle(now + timedelta(days=6, hours=23)) == 0
    assert server.forms == []
    assert refresh_idle(now + timedelta(days=7, minutes=1)) == 1
    assert [form["refresh_token"] for form in server.forms] == ["refresh-token-0"]
    assert read_secrets(shop)["refresh_token"] == "refresh-token-1"
    Secret.objects.update(updated_at=now - timedelta(days=8))
    server.broken = (400, b'{"error":"invalid_grant"}')
    assert refresh_idle(now) == 0
    shop.refresh_from_db()
    assert shop.status == "paused"
    assert Alert.objects.filter(cause=f"reauthorise:{shop.pk}", closed_at=None).exists()


# ---- the app's own pair ------------------------------------------------------------------------------------


def test_a_token_for_the_app_s_own_pair(shop: Connection, server: TokenServer) -> None:
    using(shop, "own")
    server.life = 86400
    assert probe_connection(shop).ok
    assert server.forms == [{**PAIR, "grant_type": "client_credentials", "scope": "read_orders", "tenant": "ours"}]
    assert open_api(shop).get("/me").status == 200
    assert len(server.forms) == 1
    row = Secret.objects.get(name="access_token")
    assert "access-token-1" not in str(row.__dict__)
    shop.refresh_from_db()
    assert shop.token_expires_at is not None
    Connection.objects.update(token_expires_at=timezone.now() + timedelta(minutes=9))
    Secret.objects.filter(name="access_token").update(updated_at=timezone.now() - timedelta(hours=23))
    forget_copies()
    assert current(shop) == "access-token-2"  # ahead of its expiry
    server.dead_tokens = {"access-token-2"}
    assert open_api(Connection.objects.get(pk=shop.pk)).get("/me").status == 200  # fetched again on the 401
    assert len(server.forms) == 3


def test_a_refused_pair_calls_a_person_and_recovers(shop: Connection, server: TokenServer) -> None:
    using(shop, "own")
    set_secrets(shop, {"client_secret": "wrong"})
    with pytest.raises(Unauthorised, match="invalid_client"):
        current(shop)
    shop.refresh_from_db()
    assert shop.status == "reauthorise"
    set_secrets(shop, PAIR)
    assert probe_connection(shop).ok
    shop.refresh_from_db()
    assert shop.status == "active"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("same_process", [True, False], ids=["one process", "many processes"])
def test_sixteen_workers_fetch_once(shop: Connection, server: TokenServer, monkeypatch: pytest.MonkeyPatch, same_process: bool) -> None:
    if not same_process:
        monkeypatch.setattr(single_flight, "_thread_lock", lambda _key: threading.Lock())
    using(shop, "own")
    server.delay = 0.02
    got: list[str] = []
    start = threading.Barrier(16)

    def work() -> None:
        try:
            start.wait(10)
            got.append(current(shop))
        finally:
            database.close()

    threads = [threading.Thread(target=work) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == ["access-token-1"] * 16
    assert (server.issued, len(server.forms)) == (1, 1)


# ---- a token that was typed in -----------------------------------------------------------------------------


def test_a_typed_in_token_is_handed_out_like_the_others(shop: Connection, server: TokenServer) -> None:
    using(shop, "token")
    set_secrets(shop, {"typed_token": "access-token-typed"})
    Connection.objects.update(token_expires_at=timezone.now() - timedelta(days=1))  # of another way before
    assert probe_connection(shop).ok
    server.dead_tokens = {"access-token-typed"}
    probe = probe_connection(shop)
    assert probe.problems == ("refused",)  # the platform's own words
    assert server.forms == []
    shop.refresh_from_db()
    assert shop.status == "reauthorise"
    set_secrets(shop, {"typed_token": "access-token-another"})
    assert probe_connection(shop).ok
    shop.refresh_from_db()
    assert shop.status == "active"


def test_an_old_app_secret_is_kept_beside_the_new_one_and_no_connector_sees_it(shop: Connection) -> None:
    set_secrets(shop, {"client_secret": "app-client-secret"})
    assert "previous_client_secret" not in read_secrets(shop)
    set_secrets(shop, {"client_secret": "a new one"})
    assert read_secrets(shop)["previous_client_secret"] == "app-client-secret"
    assert "previous_client_secret" not in open_api(using(shop, "token")).account.secrets
