"""WooCommerce customers and products become canonical, and links lead to wp-admin."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from connectors.canonical.identity import ObjectType
from connectors.canonical.money import Money
from connectors.kit.account import Account
from connectors.kit.tame import parse_json
from connectors.platforms import woocommerce
from connectors.platforms.woocommerce import CONNECTOR

FIXTURES = Path(woocommerce.__file__).parent / "fixtures"
ACCOUNT = Account("7", "https://shop.harbourlane.example/wp-json/", currency="CAD", ids={"prices_include_tax": "no"})


def read(kind, name, account=ACCOUNT):
    raw = parse_json((FIXTURES / f"{kind.value}__{name}.json").read_bytes(), name).value
    return CONNECTOR.reads[kind].normalise(raw, account)


def test_a_customer_account():
    found = read(ObjectType.CUSTOMER, "registered")
    assert (found.id, found.email, found.company) == ("88", "mira.okafor@harbourlane.example", "Okafor Interiors")
    assert (found.billing.region, found.billing.country) == ("BC", "CA")
    assert found.updated_at == datetime(2026, 3, 4, 9, 16, 5, tzinfo=UTC)


def test_an_account_never_edited_changed_when_it_was_made():
    assert read(ObjectType.CUSTOMER, "never_edited").updated_at == datetime(2026, 2, 1, 8, tzinfo=UTC)


def test_the_regular_price_counts_not_the_sale():
    tray = read(ObjectType.PRODUCT, "simple_on_sale")
    assert (tray.sku, tray.unit_price, tray.active) == ("TRAY-OAK", Money.of("32.00", "CAD"), True)
    assert tray.description == "Solid oak, oiled & waxed."


def test_variations_are_sold_and_their_parents_are_not():
    assert read(ObjectType.PRODUCT, "variation").active is True
    assert read(ObjectType.PRODUCT, "variable").active is False


def test_prices_that_include_tax_or_are_missing_are_not_taken_over():
    inclusive = replace(ACCOUNT, ids={"prices_include_tax": "yes"})
    assert read(ObjectType.PRODUCT, "simple_on_sale", inclusive).unit_price is None
    assert read(ObjectType.PRODUCT, "simple_on_sale", replace(ACCOUNT, currency="")).unit_price is None
    draft = read(ObjectType.PRODUCT, "draft_without_price")
    assert (draft.unit_price, draft.active) == (None, False)


def test_links():
    tables = replace(ACCOUNT, ids={"order_tables": "yes"})
    admin = "https://shop.harbourlane.example/wp-admin"
    assert CONNECTOR.link(tables, ObjectType.ORDER, "5") == f"{admin}/admin.php?page=wc-orders&action=edit&id=5"
    assert CONNECTOR.link(ACCOUNT, ObjectType.ORDER_NOTE, "5") == f"{admin}/post.php?post=5&action=edit"
    assert CONNECTOR.link(tables, ObjectType.PRODUCT, "9") == f"{admin}/post.php?post=9&action=edit"
    assert CONNECTOR.link(ACCOUNT, ObjectType.CUSTOMER, "3") == f"{admin}/user-edit.php?user_id=3"
    assert CONNECTOR.link(ACCOUNT, ObjectType.INVOICE, "3") == ""
    assert CONNECTOR.link(ACCOUNT, ObjectType.ORDER, "") == ""
