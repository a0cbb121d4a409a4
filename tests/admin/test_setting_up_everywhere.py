"""The guided path with every platform and recipe: its steps follow from the contract, its pages are clean and ask the database little."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from connectors.kit.sandbox import serve
from connectors.registry import all_connectors, get_connector
from credentials.models import Connection, Organization
from credentials.services import probe_connection
from credentials.vault import set_secrets
from flows.models import SetUp
from flows.pairing import problem_with_pair
from flows.recipes import RECIPES
from flows.setting_up.ends import recipes_between
from flows.setting_up.proposals import kinds_for
from flows.setting_up.steps import steps_of
from tests import factories as make
from tests.admin.test_console_pages import assert_clean

PLATFORMS = tuple(all_connectors())
PAIRS = [(a, b, recipe.name) for a in PLATFORMS for b in PLATFORMS if a != b for recipe in recipes_between(a, b)]


@pytest.fixture
def teas(db: None) -> Organization:
    return make.OrganizationFactory(name="Teas", slug="teas")


def owner(organization: Organization) -> Client:
    client = Client()
    client.force_login(make.person("ann", organization, roles=("bookkeeper", "owner")))
    return client


def connected(organization: Organization, platform: str, **fields: Any) -> Connection:
    made = {"organization": organization, "platform": platform, "label": platform, "status": "active", "base_url": "", **fields}
    return Connection.objects.create(**made)


def path(organization: Organization, source: str, destination: str, recipe: str, **fields: Any) -> SetUp:
    ends = {"source_platform": source, "destination_platform": destination, "recipe": recipe}
    return SetUp.objects.create(organization=organization, **ends, started_by="ann", changed_by="ann", **{"step": "source", **fields})


def step(row: SetUp, name: str) -> str:
    return reverse("admin:set-up-step", args=[row.pk, name])


def test_every_recipe_is_offered_between_some_platforms() -> None:
    assert {recipe for _, _, recipe in PAIRS} == set(RECIPES)
    assert all(recipe.in_words for recipe in RECIPES.values())


def test_a_flow_goes_into_the_books_or_out_of_them() -> None:
    kept = {name for name, connector in all_connectors().items() if connector.keeps_books}
    assert kept == {"freshbooks"}
    for source, destination, recipe in PAIRS:
        assert (source in kept, destination in kept) == (RECIPES[recipe].from_books, not RECIPES[recipe].from_books)
    assert [one.name for one in recipes_between("woocommerce", "freshbooks")] == [
        "order_to_invoice",
        "customer_to_client",
        "product_to_item",
    ]
    assert [one.name for one in recipes_between("freshbooks", "stripe")] == ["client_to_customer", "invoice_to_collection"]
    assert recipes_between("shopify", "magento") == recipes_between("freshbooks", "freshbooks") == []


def test_a_flow_the_wrong_way_round_is_refused(teas: Organization) -> None:
    shop, books = connected(teas, "magento"), connected(teas, "freshbooks")
    assert problem_with_pair("client_to_customer", books, shop) == ""
    assert problem_with_pair("client_to_customer", shop, books) == (
        '"Clients of the books become customers" begins at the books and ends elsewhere; Magento to FreshBooks is another way.'
        " Choose other sides, or another recipe."
    )


@pytest.mark.parametrize(
    ("platform", "typed", "said"),
    [
        ("woocommerce", "ftp://shop.example", "Enter a valid URL."),
        ("magento", "javascript://shop.example/%0aalert(1)", "Enter a valid URL."),
        ("shopify", "https://www.teas.example", "Enter the address that ends in .myshopify.com"),
    ],
)
def test_an_address_where_the_platform_cannot_answer_is_refused(teas: Organization, platform: str, typed: str, said: str) -> None:
    row = path(teas, platform, "freshbooks", "order_to_invoice")
    client = owner(teas)
    assert said in client.post(step(row, "source"), {"do": "new", "label": "Shop", "base_url": typed}).content.decode()
    assert not Connection.objects.exists()
    row.source = connected(teas, platform, status="new", base_url="https://shop.example")
    row.save()
    assert said in client.post(step(row, "source"), {"do": "save", "base_url": typed, "urls": "{}"}).content.decode()
    assert Connection.objects.get().base_url == "https://shop.example"


def test_an_api_account_is_not_told_where_an_app_gets_its_webhooks(teas: Organization) -> None:
    row = path(teas, "bigcommerce", "freshbooks", "order_to_invoice")
    row.source = connected(teas, "bigcommerce", status="new")
    row.save()
    client = owner(teas)
    assert "Webhook URL of the app" not in client.get(step(row, "source")).content.decode()
    Connection.objects.update(settings={"auth": "app"})
    assert "Webhook URL of the app" in client.get(step(row, "source")).content.decode()


@pytest.mark.parametrize(
    ("platform", "seconds", "said"),
    [
        ("woocommerce", 300, "Webhooks are registered at woocommerce, and it looks for changes every 5 minutes beside them."),
        ("woocommerce", 90, "Webhooks are registered at woocommerce, and it looks for changes every 90 seconds beside them."),
        ("woocommerce", 0, "Webhooks are registered at woocommerce."),
        ("magento", 3600, "It looks for changes every hour."),
        ("magento", 0, "It hears of nothing before the webhook address is entered at magento."),
    ],
)
def test_the_start_says_how_it_will_hear_of_changes(teas: Organization, platform: str, seconds: int, said: str) -> None:
    row = path(teas, platform, "freshbooks", "order_to_invoice", step="start")
    row.source, row.destination = connected(teas, platform), connected(teas, "freshbooks")
    row.flow = make.FlowFactory(
        organization=teas, source=row.source, destination=row.destination, label="Orders", enabled=False, poll_seconds=seconds
    )
    row.save()
    assert f'"Orders" writes to freshbooks. {said} It can be switched off' in owner(teas).get(step(row, "start")).content.decode()


@pytest.mark.parametrize(("source", "destination", "recipe"), PAIRS)
def test_steps_follow_from_the_contract(teas: Organization, source: str, destination: str, recipe: str) -> None:
    client = owner(teas)
    ends = {"source": source, "destination": destination, "recipe": recipe, "organization": teas.pk}
    assert client.post(reverse("admin:set-up"), ends).status_code == 302
    row = SetUp.objects.get()
    names = [one.name for one in steps_of(row)]
    assert ("mappings" in names) == bool(kinds_for(recipe))
    row.source, row.destination = connected(teas, source), connected(teas, destination)
    row.step = "options"
    row.save()
    page = client.get(step(row, "options"))
    assert page.status_code == 200
    form = page.context["form"]
    values = {name: form.get_initial_for_field(field, name) for name, field in form.fields.items()}
    done = client.post(step(row, "options"), {name: value for name, value in values.items() if value not in (None, False)})
    assert done.status_code == 302, done.context["form"].errors
    row.refresh_from_db()
    assert row.flow is not None
    assert (row.flow.recipe, row.flow.enabled, row.flow.options) == (recipe, False, {})
    row.step = "start"
    row.save()
    assert_clean(client, step(row, "start"))


@pytest.mark.parametrize("platform", PLATFORMS)
def test_each_platform_asks_for_its_keys_with_its_guide(teas: Organization, platform: str) -> None:
    client, label = owner(teas), get_connector(platform).label
    source, destination, recipe = next(pair for pair in PAIRS if platform in pair[:2])
    side = "source" if platform == source else "destination"
    row = path(teas, source, destination, recipe, step="destination")
    if side == "destination":
        row.source = connected(teas, source)
        row.save()
    assert_clean(client, step(row, side))
    setattr(row, side, connected(teas, platform, label="New one", status="new"))
    row.save()
    assert_clean(client, step(row, side))
    page = client.get(step(row, side)).content.decode()
    assert f"the guide to {label}" in page
    for setting in get_connector(platform).settings_of({}):
        if setting.secret and setting.required:
            assert setting.label in page


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("platform", PLATFORMS)
def test_each_platform_names_the_permissions_that_its_test_tried(platform: str, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = get_connector(platform).sandbox
    assert spec is not None
    served = serve(spec.build, {})
    try:
        wanted = spec.connection(served.url)
        fields = {
            "base_url": wanted["base_url"],
            "urls": wanted.get("urls", {}),
            "ids": wanted.get("ids", {}),
            "settings": wanted.get("settings", {}),
        }
        connection = connected(make.OrganizationFactory(), platform, **fields)
        set_secrets(connection, wanted["secrets"])
        probe = probe_connection(connection)
    finally:
        served.stop()
    assert probe.ok, probe.problems
    assert len(probe.permissions) >= 3
    assert all(one.granted and not one.mend for one in probe.permissions)


def test_pages_ask_little_however_much_there_is(teas: Organization) -> None:
    client = owner(teas)
    row = path(teas, "woocommerce", "freshbooks", "order_to_invoice", step="start")
    row.source, row.destination = connected(teas, "woocommerce"), connected(teas, "freshbooks")
    row.flow = make.FlowFactory(organization=teas, source=row.source, destination=row.destination, enabled=False)
    row.save()

    def asked(url: str) -> int:
        client.get(url)
        with CaptureQueriesContext(database) as queries:
            assert client.get(url).status_code == 200
        return len(queries)

    urls = [reverse("admin:index"), *(step(row, name) for name in ("ends", "source", "destination", "test", "options", "start"))]
    few = [asked(url) for url in urls]
    for number in range(20):
        path(teas, "woocommerce", "freshbooks", "order_to_invoice")
        make.ShopFactory(organization=teas)
        make.RecordFactory(flow=row.flow, source_id=str(number))
    assert [asked(url) for url in urls] == few
    assert max(few) <= 30
