"""Access that runs out, is taken away and comes back; and a platform that asks us to slow down."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from django.utils import timezone

from audit.models import Alert
from credentials.models import Connection
from credentials.services import probe_connection
from credentials.vault import read_secrets, set_secrets
from flows.jobs.claim import claim
from flows.models import ExternalLink, SyncJob
from tests.flows.conftest import Town

TOKEN = "POST /auth/oauth/token 200"
RETURN = "http://127.0.0.1/back"


def books(town: Town) -> Connection:
    connection = town.orders.destination
    connection.refresh_from_db()
    return connection


def connect_again(town: Town) -> None:
    """A person clicks through the consent page; the new tokens are stored as after the hand-shake."""
    secrets = read_secrets(books(town))
    wanted = {"client_id": secrets["client_id"], "redirect_uri": RETURN, "response_type": "code", "decision": "allow"}
    answer = requests.post(f"{town.books.url}/oauth/authorize", data=wanted, allow_redirects=False, timeout=10)
    (code,) = parse_qs(urlsplit(answer.headers["Location"]).query)["code"]
    fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": RETURN}
    client = {name: secrets[name] for name in ("client_id", "client_secret")}
    granted = requests.post(f"{town.books.url}/auth/oauth/token", json={**fields, **client}, timeout=10).json()
    set_secrets(books(town), {name: granted[name] for name in ("access_token", "refresh_token")})
    assert probe_connection(books(town)).ok


def test_an_expired_token_is_renewed_once_and_the_jobs_go_on(town: Town) -> None:
    orders = [town.order(), town.order(), town.order()]
    before = read_secrets(books(town))
    town.ask(town.books, "expire_tokens")
    town.books.sandbox.command("forget", {})
    jobs = [town.book(order) for order in orders]
    assert [job.state for job in jobs] == ["done"] * 3
    assert town.books.sandbox.counters[TOKEN] == 1
    after = read_secrets(books(town))
    assert after["access_token"] != before["access_token"]
    assert after["refresh_token"] != before["refresh_token"]
    assert [town.invoice(order)["paid"] for order in orders] == ["20.23"] * 3
    assert len(town.ledger()["clients"]) == 1
    assert not Alert.objects.exists()


@pytest.mark.parametrize("between", ["invoices/invoices$", "payments/payments$"])
def test_a_token_that_expires_in_the_middle_of_a_job_changes_nothing(town: Town, between: str) -> None:
    """One 401 in front of a write: it was not done, so it is done once, with the new token."""
    order = town.order()
    body = '{"error": "unauthenticated", "error_description": "This action requires authentication to continue."}'
    town.ask(town.books, "faults", faults=[{"kind": "status", "method": "POST", "path": between, "status": 401, "body": body}])
    job = town.book(order)
    assert job.state == "done", job.reason
    assert town.books.sandbox.counters[TOKEN] == 1
    assert (town.invoice(order)["paid"], len(town.invoice(order)["payments"])) == ("20.23", 1)


def test_revoked_access_waits_for_a_person_and_then_goes_on(town: Town) -> None:
    orders = [town.order(), town.order()]
    town.ask(town.books, "revoke_tokens")
    first = town.book(orders[0])
    assert (first.state, first.attempts, first.finished_at) == ("waiting", 0, None)
    assert books(town).status == "reauthorise"
    alert = Alert.objects.get(closed_at=None)
    assert alert.cause == f"reauthorise:{town.orders.destination.pk}"
    assert "Connect" in alert.message
    town.books.sandbox.command("forget", {})
    town.due_now()
    assert town.book(orders[1]).state == "waiting"
    assert claim(timezone.now()) is None
    assert town.calls(town.books) == {}
    assert town.books.sandbox.counters[TOKEN] == 0
    assert not ExternalLink.objects.exists()
    assert Alert.objects.count() == 1

    connect_again(town)
    assert books(town).status == "active"
    town.due_now()
    town.work()
    assert set(SyncJob.objects.values_list("state", "attempts")) == {("done", 0)}
    assert [town.invoice(order)["paid"] for order in orders] == ["20.23", "20.23"]
    assert not Alert.objects.filter(closed_at=None).exists()


def test_refused_shop_keys_stop_both_flows(town: Town) -> None:
    order = town.order()
    town.book(order)
    later = town.order()
    refused = {"kind": "status", "path": "/wp-json/", "status": 401, "body": '{"code": "woocommerce_rest_cannot_view"}', "times": -1}
    town.ask(town.shop, "faults", faults=[refused])
    assert town.book(later).state == "waiting"
    town.orders.source.refresh_from_db()
    assert town.orders.source.status == "reauthorise"
    town.shop.sandbox.command("forget", {})
    paid = town.ask(town.books, "pay", invoice_id=town.invoice(order)["id"], amount="1.00")["payment"]["id"]
    assert town.run(town.payments, str(paid)).state == "waiting"
    assert town.calls(town.shop) == {}
    town.ask(town.shop, "faults", faults=[])
    assert probe_connection(town.orders.source).ok
    town.due_now()
    town.work()
    assert town.invoice(later)["paid"] == "20.23"


def test_a_platform_that_says_stop_is_obeyed_and_the_try_is_not_counted(town: Town) -> None:
    town.orders.destination.settings["rate_per_second"] = 500  # a limited connection, unlike the other tests'
    town.orders.destination.save()
    order = town.order()
    stop: dict[str, Any] = {"kind": "status", "status": 429, "body": '{"error": "rate_limited"}', "headers": {"Retry-After": "6"}}
    town.ask(town.books, "faults", faults=[stop])
    began = timezone.now()
    job = town.book(order)
    assert (job.state, job.attempts) == ("waiting", 0)
    assert timedelta(seconds=5.5) < job.not_before - began < timedelta(seconds=9)
    town.books.sandbox.command("forget", {})
    assert claim(timezone.now()) is None
    job = town.book(order)  # another event makes the job due at once: the connection still rests
    assert (job.state, job.attempts, town.calls(town.books)) == ("waiting", 0, {})
    assert not Alert.objects.exists()
    time.sleep(max(0.0, 6.1 - (timezone.now() - began).total_seconds()))
    town.due_now()
    town.work()
    assert town.invoice(order)["paid"] == "20.23"
    assert SyncJob.objects.get().state == "done"


def test_a_short_pause_is_slept_through(town: Town) -> None:
    order = town.order()
    stop = {"kind": "status", "status": 429, "body": '{"error": "rate_limited"}', "headers": {"Retry-After": "1"}}
    town.ask(town.books, "faults", faults=[stop])
    town.book(order)
    town.due_now()
    town.work()
    assert SyncJob.objects.get().attempts == 0
    assert town.invoice(order)["paid"] == "20.23"
    assert town.books.sandbox.counters["fault status"] == 1


def test_a_broken_platform_is_tried_again_and_counted(town: Town) -> None:
    order = town.order()
    town.ask(town.books, "faults", faults=[{"kind": "html", "status": 502, "times": -1}])
    job = town.book(order)
    assert (job.state, job.attempts) == ("waiting", 1)
    assert job.not_before > timezone.now()
    town.ask(town.books, "faults", faults=[])
    town.due_now()
    town.work()
    assert town.invoice(order)["paid"] == "20.23"
    assert len(town.ledger()["invoices"]) == 1
