"""Access to a Shopify shop: every way to connect, tokens renewed once, kept on a lost answer, and a person when nothing helps."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from django.db import connections
from django.test import Client
from django.utils import timezone

from audit.models import Alert
from connectors.canonical.identity import ObjectType
from connectors.registry import get_connector
from credentials.models import Connection, Secret
from credentials.services import open_api, probe_connection
from credentials.tokens import forget_copies
from credentials.vault import read_secrets, set_secrets
from flows.jobs.claim import claim
from flows.pipeline.run import run_job
from tests.credentials.browser import leave, person, told
from tests.flows.conftest import Town
from tests.flows.teas import MakeTown, amounts, place


def test_sixteen_workers_on_an_expired_token_make_one_refresh(tea_town: MakeTown) -> None:
    town = tea_town()
    order = place(town)
    state = town.shop.sandbox.state
    for token in state.tokens.values():
        token.expires_at = 1.0
    start, found = threading.Barrier(16), []

    def work() -> None:
        connection = Connection.objects.get(pk=town.orders.source_id)
        api = open_api(connection)
        start.wait()
        try:
            found.append(get_connector("shopify").reads[ObjectType.ORDER].fetch(api, order["id"])["order"]["name"])
        finally:
            connections.close_all()

    workers = [threading.Thread(target=work) for _ in range(16)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert found == [f"#{order['number']}"] * 16
    assert state.refreshes == 1


# ---- ways to connect ---------------------------------------------------------------------------------------


def unconnected(town: Town, way: str, **secrets: str) -> Connection:
    """The shop's connection as it is before anybody connected it in this way; keys of the app are entered."""
    source = town.orders.source
    keys = {name: value for name, value in read_secrets(source).items() if name in ("client_id", "client_secret")}
    Secret.objects.filter(connection=source).delete()
    source.settings, source.status, source.ids = {**source.settings, "auth": way}, Connection.Status.NEW, {}
    source.save()
    set_secrets(source, {**keys, **secrets})
    forget_copies()
    return source


@pytest.fixture
def owner(tea_town: MakeTown) -> tuple[Town, Client]:
    town = tea_town()
    return town, person("ada", town.orders.organization, "change_connection", "view_connection")


def sign_in(client: Client, source: Connection) -> Any:
    """Leave for the shop, agree there, come back."""
    gone = requests.get(leave(client, source)["address"], allow_redirects=False, timeout=5)
    return client.get("/connect/callback/", dict(parse_qsl(urlsplit(gone.headers["Location"]).query)))


@pytest.mark.parametrize(("way", "expires"), [("app", True), ("app_all_orders", True), ("custom_app", False)])
def test_signing_in_at_the_shop_connects(owner: tuple[Town, Client], way: str, expires: bool) -> None:
    town, client = owner
    order, source = place(town), unconnected(town, way)
    assert sign_in(client, source).status_code == 302
    source.refresh_from_db()
    assert (source.status, source.ids["shop"]) == ("active", "tillbridge-teas.myshopify.com")
    assert set(source.ids["scopes"].split()) >= {"read_orders", "read_customers", "read_products"}
    if expires:
        assert source.token_expires_at is not None
        assert source.refresh_expires_at is not None
        assert timedelta(minutes=58) < source.token_expires_at - timezone.now() <= timedelta(hours=1)
        assert timedelta(days=89) < source.refresh_expires_at - timezone.now() <= timedelta(days=90)
    else:
        assert (source.token_expires_at, "refresh_token" in read_secrets(source)) == (None, False)
    town.book(order)
    assert amounts(town, order) == ("21.24", "21.24")


def test_scopes_that_were_not_granted_keep_the_connection_out_of_use(tea_town: MakeTown) -> None:
    town = tea_town({"scopes": ["read_orders", "write_products"]})
    client = person("ada", town.orders.organization, "change_connection", "view_connection")
    source = unconnected(town, "app")
    sign_in(client, source)
    source.refresh_from_db()
    assert source.status == Connection.Status.NEW
    assert "read_customers" in told(client)


def test_an_install_hit_leads_to_the_consent_page_of_its_shop(owner: tuple[Town, Client]) -> None:
    town, client = owner
    source, good = unconnected(town, "app"), town.ask(town.shop, "sign")
    for wrong in ({**good, "shop": "other-teas.myshopify.com"}, {**good, "hmac": "0" * 64}, {**good, "timestamp": "1"}):
        assert client.get("/connect/shopify/install/", wrong).status_code == 400
    answer = client.get("/connect/shopify/install/", good)
    target = answer.headers["Refresh"].removeprefix("0;url=")
    assert target.startswith(f"{town.shop.url}/admin/oauth/authorize?")
    back = requests.get(target, allow_redirects=False, timeout=5).headers["Location"]
    assert client.get("/connect/callback/", dict(parse_qsl(urlsplit(back).query))).status_code == 302
    source.refresh_from_db()
    assert source.status == Connection.Status.ACTIVE


def test_an_own_shop_needs_no_browser_and_asks_again_after_a_day(tea_town: MakeTown) -> None:
    town = tea_town()
    order, source = place(town), unconnected(town, "own_shop")
    assert probe_connection(source).ok
    assert "refresh_token" not in read_secrets(source)
    first = read_secrets(source)["access_token"]
    town.ask(town.shop, "expire_tokens")
    Connection.objects.filter(pk=source.pk).update(token_expires_at=timezone.now(), status=Connection.Status.ACTIVE)
    forget_copies()
    town.book(order)
    assert amounts(town, order) == ("21.24", "21.24")
    assert read_secrets(source)["access_token"] != first
    assert town.shop.sandbox.state.refreshes == 0


def test_a_typed_in_token_is_used_as_it_is(tea_town: MakeTown) -> None:
    town = tea_town()
    order, token = place(town), read_secrets(town.orders.source)["access_token"]
    source = unconnected(town, "token", access_token=token)
    assert probe_connection(source).ok
    Connection.objects.filter(pk=source.pk).update(status=Connection.Status.ACTIVE)
    town.book(order)
    assert amounts(town, order) == ("21.24", "21.24")


# ---- tokens that no longer work ----------------------------------------------------------------------------


def later(town: Town) -> None:
    """Run what is due within the next minute."""
    while lease := claim(timezone.now() + timedelta(minutes=1)):
        run_job(lease)


def test_a_lost_answer_to_a_refresh_is_asked_for_again_with_the_same_token(owner: tuple[Town, Client]) -> None:
    town, client = owner
    order, source = place(town), unconnected(town, "app")
    sign_in(client, source)
    before = read_secrets(source)["refresh_token"]
    town.ask(town.shop, "expire_tokens")
    town.ask(town.shop, "faults", faults=[{"kind": "drop_after", "path": "access_token", "times": 1}])
    town.ask(town.shop, "forget")
    job = town.book(order)
    assert job.state == "done", job.reason
    sent = [entry["body"] for entry in town.ask(town.shop, "requests") if entry["path"].endswith("/access_token")]
    assert len(sent) == 2
    assert all(before in body for body in sent)
    after = read_secrets(source)["refresh_token"]
    assert after != before
    assert town.shop.sandbox.state.refreshes == 2  # the first answer was lost, its pair is never used
    used = {token.refresh for token in town.shop.sandbox.state.tokens.values() if token.used}
    assert after in used


@pytest.mark.parametrize("cause", ["refresh refused", "refused all the same"])
def test_what_no_refresh_cures_calls_a_person_and_jobs_go_on_by_themselves(owner: tuple[Town, Client], cause: str) -> None:
    """The refresh token is dead; or the shop answers 401 whatever token it is shown."""
    town, client = owner
    order, source = place(town), unconnected(town, "app")
    sign_in(client, source)
    town.ask(town.shop, "expire_tokens")
    if cause == "refresh refused":
        for token in town.shop.sandbox.state.tokens.values():
            token.refresh_expires_at = 1.0
    else:
        town.ask(town.shop, "faults", faults=[{"kind": "status", "status": 401, "path": "graphql", "times": -1, "body": '{"errors": "x"}'}])
    with town.untouched(town.books):
        job = town.book(order)
    assert (job.state, job.attempts) == ("waiting", 0)
    source.refresh_from_db()
    assert source.status == Connection.Status.REAUTHORISE
    (alert,) = Alert.objects.filter(connection_id=source.pk, closed_at=None)
    assert "Connect" in alert.message
    assert town.shop.sandbox.state.refreshes <= 1
    town.ask(town.shop, "forget")
    later(town)
    assert town.calls(town.shop) == {}  # nobody knocks while a person is awaited
    town.shop.sandbox.faults.clear()
    sign_in(client, source)
    later(town)
    assert amounts(town, order) == ("21.24", "21.24")
    assert not Alert.objects.filter(connection_id=source.pk, closed_at=None).exists()
