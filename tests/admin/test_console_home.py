"""The first page and the search: what they tell, to whom, and at what cost."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from connectors.canonical.money import Money
from credentials.models import Connection, Organization, Secret
from credentials.vault import set_secrets
from flows.home.attention import causes_of
from flows.home.balance import balances_of
from flows.home.connections import health_of
from flows.home.days import HEIGHT, days_of
from flows.models import Flow
from tests import factories as make
from tests.admin.console_world import World

pytestmark = pytest.mark.django_db
HOME = "/admin/"
FIND = "/admin/find/"


def stopped(flow: Flow, count: int, *, sku: str, amount: str, currency: str = "USD") -> None:
    for n in range(count):
        job = make.JobFactory(
            flow=flow,
            source_id=f"{sku}-{currency}-{n}",
            state="attention",
            reason_code="sku_unmapped",
            subject=f"sku:{sku}",
            reason=f"No item is mapped to SKU {sku}.",
        )
        make.RecordFactory(
            flow=flow, source_id=job.source_id, outcome="attention", currency=currency, total=Decimal(amount), updated_at=timezone.now()
        )


def bookkeeper(organization: Organization) -> Client:
    client, known = Client(), User.objects.filter(username="bo").first()
    client.force_login(known or make.person("bo", organization, roles=("bookkeeper",)))
    return client


def test_records_that_wait_are_grouped_by_cause_with_their_worth_and_the_page_that_cures_them() -> None:
    flow = make.FlowFactory()
    stopped(flow, 3, sku="MUG-XL", amount="12.10")
    stopped(flow, 1, sku="MUG-XL", amount="1000", currency="JPY")
    stopped(flow, 2, sku="CUP", amount="0.05")
    causes, more = causes_of([flow])
    assert [(c.sentence, c.records, c.amounts) for c in causes] == [
        ("SKU MUG-XL has no item.", 4, ("1000 JPY", "36.30 USD")),
        ("SKU CUP has no item.", 2, ("0.10 USD",)),
    ]
    assert more == 0
    assert causes[0].mend_label == "Map MUG-XL"
    page = bookkeeper(flow.organization).get(causes[0].mend_url)
    assert page.status_code == 200
    assert (page.context["flow"], page.context["sku"]) == (flow, "MUG-XL")
    listed = bookkeeper(flow.organization).get(causes[0].jobs_url)
    assert len(listed.context["cl"].result_list) == 6


def test_an_answer_that_nobody_understands_is_told_as_one() -> None:
    flow = make.FlowFactory()
    make.JobFactory(flow=flow, state="dead", reason_code="malformed", reason="answer.result: expected object, got int")
    (cause,), _ = causes_of([flow])
    assert cause.sentence == "One side answered what nobody here understands: answer.result: expected object, got int"


def test_a_job_that_a_later_one_settled_needs_nobody() -> None:
    flow = make.FlowFactory()
    make.JobFactory(flow=flow, state="superseded", reason_code="sku_unmapped", subject="sku:MUG-XL")
    assert causes_of([flow]) == ([], 0)


def test_the_tie_out_sums_what_was_sold_against_what_the_books_show() -> None:
    flow, now = make.FlowFactory(), timezone.now()
    for cents in ("0.10", "0.20", "19.99"):
        amount = Decimal(cents)
        make.RecordFactory(flow=flow, total=amount, invoiced=amount, captured=amount, paid=amount, updated_at=now)
    make.RecordFactory(flow=flow, updated_at=now - timedelta(days=40))
    (one,) = balances_of([flow], now - timedelta(days=30))
    assert (one.records, one.sold, one.invoiced, one.exact) == (3, Money.of("20.29", "CAD"), Money.of("20.29", "CAD"), True)
    make.RecordFactory(flow=flow, total=Decimal("5.00"), invoiced=Decimal("4.99"), exact=False, updated_at=now)
    (one,) = balances_of([flow], now - timedelta(days=30))
    assert (one.sold - one.invoiced, one.differing, one.exact) == (Money.of("0.01", "CAD"), 1, False)


def test_the_days_have_a_bar_for_what_was_booked_and_one_for_what_stopped() -> None:
    flow, now = make.FlowFactory(), timezone.now()
    for _ in range(3):
        make.RecordFactory(flow=flow, updated_at=now)
    stopped(flow, 1, sku="CUP", amount="1.00")
    make.RecordFactory(flow=flow, updated_at=now - timedelta(days=1))
    days = days_of([flow], now.date())
    assert len(days) == 14
    assert [(day.booked, day.stopped, day.amounts) for day in days[-2:]] == [(1, 0, ("12.50 CAD",)), (3, 1, ("37.50 CAD",))]
    today = days[-1]
    assert today.booked_height + today.stopped_height == HEIGHT
    assert today.stopped_top + today.stopped_height == today.booked_top


def test_a_connection_shows_its_webhooks_its_last_poll_and_what_is_late() -> None:
    flow, now = make.FlowFactory(), timezone.now()
    make.SubscriptionFactory(connection=flow.source, status="active", delivered_at=now)
    make.SubscriptionFactory(connection=flow.source, status="disabled", topic="order.deleted")
    make.CursorFactory(flow=flow, polled_at=now - timedelta(minutes=4))
    make.JobFactory(flow=flow, state="waiting", not_before=now - timedelta(minutes=9))
    shop, books = health_of([flow.source, flow.destination], [flow], now)
    assert (shop.active, shop.webhooks, shop.webhooks_well, shop.delivered_at) == (1, 2, False, now)
    assert (shop.polled_at, shop.late_since) == (now - timedelta(minutes=4), now - timedelta(minutes=9))
    assert (books.webhooks, books.webhooks_well, books.polled_at, books.late_since) == (0, True, None, None)


def test_the_first_page_and_the_connection_s_own_say_it(world: World) -> None:
    connection = world.rows["connection"]
    Connection.objects.filter(pk=connection.pk).update(platform="freshbooks", token_expires_at=timezone.now() + timedelta(days=3))
    for page in (HOME, reverse("admin:credentials_connection_change", args=[connection.pk])):
        Secret.objects.filter(connection=connection, name="refresh_token").delete()
        assert "needs a person by " in world.client("owner").get(page).text, page
        set_secrets(connection, {"refresh_token": "r"})
        assert "renews itself; valid until " in world.client("owner").get(page).text, page


def test_everybody_sees_only_their_own_on_the_first_page(world: World) -> None:
    page = world.client("bookkeeper").get(HOME).content.decode()
    assert "Orders of Mine" in page
    assert "Orders of Other" not in page
    assert str(world.theirs["connection"]) not in page
    assert "Orders of Other" in world.client("root").get(HOME).content.decode()
    assert "Orders of" not in world.client("stranger").get(HOME, follow=True).content.decode()


def test_only_who_may_map_is_offered_to(world: World) -> None:
    assert "Map MUG-XL" in world.client("bookkeeper").get(HOME).content.decode()
    assert "Map MUG-XL" not in world.client("support").get(HOME).content.decode()


@pytest.mark.parametrize("text", ["1001", "#1001", " 727 "])
def test_one_record_is_gone_to_at_once(world: World, text: str) -> None:
    answer = world.client("support").get(FIND, {"q": text})
    assert answer.status_code == 302
    assert answer["Location"] == f"/admin/flows/syncrecord/{world.rows['syncrecord'].pk}/change/"


def test_an_invoice_number_finds_the_order_behind_its_prefix(world: World) -> None:
    flow = world.rows["flow"]
    flow.options = {"invoice_prefix": "WEB-"}
    flow.save()
    assert world.client("support").get(FIND, {"q": "WEB-1001"}).status_code == 302


def test_the_id_of_the_other_side_finds_the_order(world: World) -> None:
    link = world.rows["externallink"]
    link.remote_id, link.scope = "903311", str(world.rows["flow"].source.key)
    link.save()
    assert world.client("support").get(FIND, {"q": "903311"}).status_code == 302
    assert world.client("neighbour").get(FIND, {"q": "903311"}).status_code == 200


def test_an_address_finds_its_client_and_a_sku_what_waits_for_it(world: World) -> None:
    flow = world.rows["flow"]
    make.LinkFactory(flow=flow, scope="", object_type="customer", key="email:ada@shop.example", remote_id="55")
    found = world.client("support").get(FIND, {"q": "Ada@shop.example"}).context["found"]
    assert [link.remote_id for link in found.links] == ["55"]
    found = world.client("support").get(FIND, {"q": "MUG-XL"}).context["found"]
    assert [job.pk for job in found.waiting] == [world.rows["syncjob"].pk]


def test_nothing_of_others_is_found_and_nothing_for_nothing(world: World) -> None:
    found = world.client("neighbour").get(FIND, {"q": "1001"})
    assert found.status_code == 302  # their own order 1001
    assert str(world.theirs["syncrecord"].pk) in found["Location"]
    page = world.client("support").get(FIND, {"q": "never-heard-of"})
    assert "Nothing goes by" in page.content.decode()
    assert world.client("support").get(FIND).context["found"].records == ()
    assert world.client("anonymous").get(FIND, {"q": "1001"})["Location"].startswith("/admin/login/")


@pytest.mark.parametrize("url", [HOME, f"{FIND}?q=1001"])
def test_as_many_queries_for_many_rows_as_for_few(url: str) -> None:
    organization = make.OrganizationFactory()
    client = bookkeeper(organization)

    def count() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(url).status_code == 200
        return len(captured.captured_queries)

    def grow(many: int) -> None:
        for _ in range(many):
            flow = make.FlowFactory(organization=organization)
            stopped(flow, 2, sku="CUP", amount="1.00")
            make.RecordFactory(flow=flow, number="1001", updated_at=timezone.now())
            make.SubscriptionFactory(connection=flow.source)

    grow(2)
    few = count()
    grow(8)
    assert count() == few
    assert few <= 30
