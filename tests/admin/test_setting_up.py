"""The guided path, page by page against both sandboxes: from nothing to the first invoice, left and resumed, by whoever may."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django_celery_beat.models import PeriodicTask

from audit.models import AuditRecord
from credentials.models import Connection
from flows.jobs.claim import claim
from flows.models import Backfill, Flow, ItemMapping, SetUp, Subscription, SyncRecord, ValueMapping
from flows.pipeline.run import run_job
from flows.polling import walk_backfills
from tests.admin.setting_up_world import Ground, ground

CALLBACK = "http://127.0.0.1:9"


@pytest.fixture
def teas(transactional_db: None, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ground]:
    settings.PUBLIC_URL = CALLBACK
    settings.ALLOWED_HOSTS = ["*"]
    monkeypatch.setattr("flows.setting_up.starting.ask_for_poll", lambda _flow: True)
    cache.clear()
    with ground(CALLBACK) as made:
        yield made


def text_of(answer: Any) -> str:
    return str(answer.content.decode())


def work() -> None:
    walk_backfills()
    while lease := claim(timezone.now()):
        run_job(lease)


def test_from_nothing_to_the_first_invoice(teas: Ground) -> None:
    teas.place(6)
    home = text_of(teas.both.get(reverse("admin:index")))
    assert "Begin here" in home
    assert reverse("admin:set-up") in home
    row = teas.begin()
    assert (row.step, row.started_by) == ("source", "ann")

    teas.connect_shop()
    assert teas.row().step == "destination"
    back = teas.connect_books()
    assert back.headers["Location"] == teas.step("destination")
    assert "Books" in text_of(teas.both.get(teas.step("destination")))
    teas.both.post(teas.step("destination"), {"do": "go-on"})

    teas.both.post(teas.step("test"), {"do": "test"})
    tested = teas.both.get(teas.step("test"))
    found = {one["name"]: one["granted"] for side in tested.context["sides"] for one in side["permissions"]}
    assert found["Change orders and write notes on them"] is True
    assert found["Read invoices"] is True
    assert all(found.values())
    assert set(Connection.objects.values_list("status", flat=True)) == {"active"}
    teas.both.post(teas.step("test"), {"do": "go-on"})

    teas.both.post(teas.step("options"), {**teas.shown(teas.both, "options"), "option_invoice_prefix": "TEA-"})
    flow = Flow.objects.get()
    assert (flow.label, flow.enabled, flow.options) == ("Tea shop to Books: orders", False, {"invoice_prefix": "TEA-"})

    proposed = teas.shown(teas.both, "mappings")
    assert "gateway:stripe" in proposed
    teas.both.post(teas.step("mappings"), {**proposed, "gateway:stripe": "Credit Card"})
    assert ValueMapping.objects.get(kind="gateway", source="stripe").target == "Credit Card"

    with teas.untouched():
        tried = teas.both.post(teas.step("trial"), {"do": "try", "count": 10})
    rows = [one.tried for one in tried.context["rows"]]
    assert len(rows) == 6
    booked = [one for one in rows if one.verdict == "exact"]
    assert booked
    for one in booked:
        assert one.total - one.refunded == one.invoiced
        assert one.client
        assert one.lines
    teas.both.post(teas.step("trial"), {"do": "go-on"})

    yesterday = timezone.now().date() - timedelta(days=1)  # the shop's calendar may be behind
    done = teas.both.post(teas.step("start"), {"first_day": yesterday.isoformat(), "backfill": "on"})
    assert done.headers["Location"] == teas.step("first")
    flow.refresh_from_db()
    assert (flow.enabled, flow.options["start_date"]) == (True, yesterday.isoformat())
    assert Subscription.objects.filter(connection=flow.source).count() > 0
    assert PeriodicTask.objects.get(name=f"poll flow {flow.pk}").enabled
    assert Backfill.objects.get().asked_by == "ann"
    waiting = teas.both.get(teas.step("first"))
    assert "waits for the first order" in text_of(waiting)
    work()
    arrived = teas.both.get(teas.step("first"))
    first = arrived.context["found"].first
    assert first.exact is True
    assert f"{first.number}</strong> is in Books" in text_of(arrived)
    invoices = {one["number"] for one in teas.books.sandbox.command("books", {})["invoices"]}
    assert f"TEA-{first.number}" in invoices
    assert len(invoices) == len(booked)
    said = set(AuditRecord.objects.filter(actor="ann").values_list("action", flat=True))
    assert {"begin set-up", "add connection", "change connection", "connection_test", "add flow", "switch on"} <= said
    home = teas.both.get(reverse("admin:index"))
    assert home.context["set_up"].unfinished == ()
    assert home.context["set_up"].is_first is False


def test_it_is_left_and_resumed_by_somebody_else(teas: Ground) -> None:
    teas.begin()
    teas.connect_shop()
    home = text_of(teas.bookkeeper.get(reverse("admin:index")))
    resume = reverse("admin:set-up-resume", args=[teas.row().pk])
    assert resume in home
    assert "Connect FreshBooks" in home
    assert teas.bookkeeper.get(resume).headers["Location"] == teas.step("destination")
    page = text_of(teas.bookkeeper.get(teas.step("destination")))
    assert "Ask ann to open this set-up" in page
    assert 'name="do" value="new"' not in page
    teas.bookkeeper.post(teas.step("destination"), {"do": "new", "label": "Mine"})
    assert teas.connections() == ["Tea shop"]
    teas.connect_books()
    teas.both.post(teas.step("destination"), {"do": "go-on"})
    teas.both.post(teas.step("test"), {"do": "test"})
    tests = teas.row().tests
    teas.bookkeeper.post(teas.step("test"), {"do": "test"})
    assert teas.row().tests == tests, "a test is the owner's"
    for step in ("test", "options", "mappings", "trial"):
        values = {"do": "go-on"} if step == "test" else teas.shown(teas.bookkeeper, step)
        assert teas.bookkeeper.post(teas.step(step), values).status_code == 302, step
    assert teas.row().step == "start"
    teas.bookkeeper.post(teas.step("start"), {"first_day": "2026-01-01"})
    assert Flow.objects.get().enabled
    assert AuditRecord.objects.filter(actor="ben", action="switch on").exists()


def test_only_who_may(teas: Ground) -> None:
    row = teas.begin()
    teas.connect_shop()
    pages = [reverse("admin:set-up-resume", args=[row.pk]), reverse("admin:set-up-discard", args=[row.pk])]
    pages += [teas.step(name) for name in ("ends", "source", "destination", "test", "options", "mappings", "trial", "start", "first")]
    before = (SetUp.objects.values().get(), AuditRecord.objects.count(), teas.connections())
    for url in pages:
        for client, status in ((Client(), 302), (teas.stranger, 404), (teas.support, 403)):
            assert client.get(url).status_code == status, url
            assert client.post(url, {"do": "new", "label": "x"}).status_code == status, url
    for client, status in ((Client(), 302), (teas.support, 403)):
        assert client.get(reverse("admin:set-up")).status_code == status
    ends = {"source": "woocommerce", "destination": "freshbooks", "recipe": "order_to_invoice", "organization": teas.organization.pk}
    refused = teas.stranger.post(reverse("admin:set-up"), ends)
    assert "organization" in refused.context["form"].errors
    assert (SetUp.objects.values().get(), AuditRecord.objects.count(), teas.connections()) == before
    assert reverse("admin:set-up") not in text_of(teas.support.get(reverse("admin:index")))


def test_no_step_is_opened_before_its_turn(teas: Ground) -> None:
    teas.begin()
    for name in ("test", "options", "mappings", "trial", "start", "first"):
        assert teas.both.get(teas.step(name)).headers["Location"] == teas.step("source"), name
        assert teas.both.post(teas.step(name), {"do": "go-on"}).headers["Location"] == teas.step("source"), name
    assert teas.both.get(reverse("admin:set-up-step", args=[teas.row().pk, "nonsense"])).status_code == 404
    assert not Flow.objects.exists()


def test_a_missing_permission_is_named_with_what_to_click(teas: Ground) -> None:
    teas.begin()
    teas.connect_shop()
    teas.connect_books()
    teas.both.post(teas.step("destination"), {"do": "go-on"})
    key = next(iter(teas.shop.sandbox.state.keys.values()))
    key.permissions = "read"
    teas.both.post(teas.step("test"), {"do": "test"})
    page = teas.both.get(teas.step("test"))
    (missing,) = [one for side in page.context["sides"] for one in side["permissions"] if not one["granted"]]
    assert missing["name"] == "Change orders and write notes on them"
    assert "read/write permission under WooCommerce" in missing["mend"]
    assert page.context["ready"] is False
    teas.both.post(teas.step("test"), {"do": "go-on"})
    assert teas.both.get(teas.step("options")).headers["Location"] == teas.step("test")
    key.permissions = "read_write"
    teas.both.post(teas.step("test"), {"do": "test"})
    assert teas.both.get(teas.step("test")).context["ready"] is True


def test_a_declined_sign_in_comes_back_to_its_step_and_stores_nothing(teas: Ground) -> None:
    teas.begin()
    teas.connect_shop()
    teas.both.post(teas.step("destination"), {"do": "new", "label": "Books"})
    books = Connection.objects.get(platform="freshbooks")
    typed = {"secret_client_id": "a", "secret_client_secret": "b", "urls": "{}", "setting_payment_type": "Other"}
    typed |= {"setting_settle_seconds": "1", "setting_rate_per_second": "5", "setting_rate_burst": "5"}
    left = teas.both.post(teas.step("destination"), {"do": "sign-in", **typed})
    state = left.headers["Refresh"].partition("&state=")[2].partition("&")[0]
    back = teas.both.get("/connect/callback/", {"state": state, "error": "access_denied"})
    assert back.headers["Location"] == teas.step("destination")
    page = text_of(teas.both.get(teas.step("destination")))
    assert "it was declined there" in page
    books.refresh_from_db()
    assert books.status == "new"
    # begun on the connection's own page, it ends there
    left = teas.both.post(f"/connect/{books.pk}/oauth/")
    state = left.headers["Refresh"].partition("&state=")[2].partition("&")[0]
    back = teas.both.get("/connect/callback/", {"state": state, "error": "access_denied"})
    assert back.headers["Location"] == reverse("admin:credentials_connection_change", args=[books.pk])


def test_secrets_are_never_shown_again_and_errors_stand_at_their_fields(teas: Ground) -> None:
    teas.begin()
    missing = teas.both.post(teas.step("source"), {"do": "new", "label": "", "base_url": "no address"})
    assert set(missing.context["form"].errors) == {"label", "base_url"}
    assert teas.connections() == []
    teas.connect_shop()
    page = text_of(teas.both.get(teas.step("source")))
    for secret in teas.shop.sandbox.state.keys.values():
        assert secret.consumer_key not in page
        assert secret.consumer_secret not in page
    assert "Stored. Leave empty to keep it." in page
    assert "WooCommerce &gt; Settings &gt; Advanced &gt; REST API" in page, "the guide is at hand"
    again = teas.both.post(teas.step("source"), {"do": "save", "base_url": "https://other.example", "setting_auth": "auto", "urls": "{}"})
    assert "The address changes: enter this again." in text_of(again)


def test_ends_that_do_not_fit_are_refused_at_the_field(teas: Ground) -> None:
    answer = teas.both.get(reverse("admin:set-up"), {"source": "woocommerce", "destination": "woocommerce"})
    assert "takes nothing of what WooCommerce has" in text_of(answer)
    assert answer.context["form"] is None
    assert not SetUp.objects.exists()


def test_the_default_item_is_asked_for_where_it_is_chosen(teas: Ground) -> None:
    teas.place(1)
    teas.to("options")
    page = teas.both.post(teas.step("options"), {**teas.shown(teas.both, "options"), "option_unknown_sku": "default_item"})
    assert page.context["form"].errors == {
        "option_default_item": ["Name the default item, or choose something else for a SKU without a mapping."]
    }
    assert page.context["open"], "the field stands behind a click, and that is open now"
    assert not Flow.objects.filter(options__unknown_sku="default_item").exists()


def test_what_a_dry_run_misses_has_a_link_that_mends_it(teas: Ground) -> None:
    teas.place(4)
    teas.to("options")
    teas.both.post(teas.step("options"), {**teas.shown(teas.both, "options"), "option_unknown_sku": "attention"})
    with teas.untouched():
        page = teas.both.get(teas.step("mappings"))
        teas.both.post(teas.step("mappings"), {})
        tried = teas.both.post(teas.step("trial"), {"do": "try", "count": 5})
    assert page.context["groups"][0].kind == "item"
    missing = [one for one in tried.context["rows"] if one.tried.verdict == "missing"]
    assert missing
    assert {one.mend for one in missing} == {("Map it", f"{teas.step('mappings')}#item")}
    assert not ItemMapping.objects.exists()
    assert not SyncRecord.objects.exists()


def test_discarding_asks_first_and_leaves_connections_and_flow(teas: Ground) -> None:
    teas.to("mappings")
    address = reverse("admin:set-up-discard", args=[teas.row().pk])
    assert "what was chosen so far is forgotten" in text_of(teas.both.get(address))
    assert SetUp.objects.exists()
    teas.both.post(address)
    assert not SetUp.objects.exists()
    assert (len(teas.connections()), Flow.objects.get().enabled) == (2, False)
    assert AuditRecord.objects.filter(actor="ann", action="discard set-up").count() == 1
    # another path finds the connections and the flow, and goes on with them
    teas.begin()
    for side, platform in (("source", "woocommerce"), ("destination", "freshbooks")):
        teas.both.post(teas.step(side), {"do": "use", "connection": Connection.objects.get(platform=platform).pk})
    assert teas.row().step == "test"
    teas.both.post(teas.step("test"), {"do": "go-on"})
    teas.both.post(teas.step("options"), teas.shown(teas.both, "options"))
    assert teas.row().flow == Flow.objects.get()


def test_a_flow_that_is_on_is_not_set_up_twice(teas: Ground) -> None:
    teas.to("")
    flow = Flow.objects.get()
    assert flow.enabled
    finished = SetUp.objects.get()
    assert teas.both.get(reverse("admin:set-up-step", args=[finished.pk, "options"])).headers["Location"].endswith("/first/")
    finished.delete()
    teas.begin()
    teas.both.post(teas.step("source"), {"do": "use", "connection": flow.source_id})
    answer = teas.both.post(teas.step("destination"), {"do": "use", "connection": flow.destination_id})
    assert "does this between these two connections already" in text_of(answer)
    assert teas.row().destination is None


def test_what_a_colleague_mapped_while_the_page_was_open_stays(teas: Ground) -> None:
    teas.place(3)
    teas.to("mappings")
    shown = teas.shown(teas.both, "mappings")
    flow = Flow.objects.get()
    skus = [name.partition(":")[2] for name in shown if name.startswith("item:")]
    ItemMapping.objects.create(flow=flow, sku=skus[0], item_id="1", item_name="Tea")
    empty = {f"item:{skus[0]}": ""}
    for typed, told in (
        ({}, []),
        ({f"item:{skus[0]}": "2"}, [f"{skus[0]} was mapped by somebody else while this page was open; that stays."]),
    ):
        answer = teas.both.post(teas.step("mappings"), {**shown, **empty, **typed}, follow=True)
        assert [str(message) for message in answer.context["messages"] if "somebody" in str(message)] == told
        assert ItemMapping.objects.get(sku=skus[0]).item_id == "1"


def test_what_is_mapped_is_shown_though_the_books_list_it_no_more(teas: Ground) -> None:
    teas.place(3)
    teas.to("mappings")
    ValueMapping.objects.create(flow=Flow.objects.get(), kind="gateway", source="stripe", target="Gold")
    page = teas.both.get(teas.step("mappings")).content.decode()
    chosen = page[page.index('name="gateway:stripe"') :].partition("</select>")[0]
    assert '<option value="Gold" selected>Gold</option>' in chosen


def test_mappings_are_saved_as_they_were_shown_whatever_the_shop_says_meanwhile(teas: Ground) -> None:
    teas.place(4)
    teas.to("mappings")
    shown = teas.shown(teas.both, "mappings")
    teas.shop.sandbox.command("faults", {"faults": [{"kind": "status", "status": 503, "times": -1}]})
    assert "503" in text_of(teas.both.get(teas.step("mappings")))
    done = teas.both.post(teas.step("mappings"), {**shown, "gateway:stripe": "Credit Card", "gateway:cod": "Gold", "tax:": ""}, follow=True)
    told = [str(message) for message in done.context["messages"]]
    assert told == ['cod was not mapped: Books does not know "Gold". Choose one of those that it lists.', "1 mapping saved."]
    assert ValueMapping.objects.get(source="stripe").target == "Credit Card"
    teas.both.post(teas.step("mappings"), {"gateway:stripe": "", "was:gateway:stripe": "Credit Card"})
    assert not ValueMapping.objects.filter(source="stripe").exists()
    assert teas.row().step == "trial"
    assert AuditRecord.objects.filter(actor="ann", action="delete value mapping").count() == 1


def test_two_who_switch_it_on_at_once_start_it_once(teas: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    teas.to("start")
    slower = teas.row()
    monkeypatch.setattr("flows.admin.setting_up.urls.set_up_of", lambda _request, _pk: slower)
    teas.both.post(teas.step("start"), {"first_day": "2026-01-02", "backfill": "on"})
    second = teas.bookkeeper.post(teas.step("start"), {"first_day": "2026-03-04", "backfill": "on"})
    assert second.headers["Location"] == teas.step("first")
    assert Flow.objects.get().options["start_date"] == "2026-01-02"
    assert Backfill.objects.get().asked_by == "ann"
    monkeypatch.undo()
    assert "was switched on a moment ago" in text_of(teas.bookkeeper.get(teas.step("first")))


def test_a_start_in_the_future_brings_nothing_over(teas: Ground) -> None:
    teas.to("start")
    answer = teas.both.post(teas.step("start"), {"first_day": "2099-01-01", "backfill": "on"})
    assert "This day is still to come" in text_of(answer)
    assert "Enter a valid date" in text_of(teas.both.post(teas.step("start"), {"first_day": "soon"}))
    assert not Flow.objects.get().enabled
    assert not Backfill.objects.exists()
