"""Shopify: the table of contents of the connector. It reads; nothing but webhook registrations is ever written to a shop."""

from __future__ import annotations

from connectors.canonical.identity import ObjectType
from connectors.kit.contract import Connector, RateLimit, Reads, Setting
from connectors.platforms.shopify.api import open_api, refuses
from connectors.platforms.shopify.auth import APP, LABELS, WAYS
from connectors.platforms.shopify.customers import fetch_customer, normalise_customer
from connectors.platforms.shopify.links import link
from connectors.platforms.shopify.listings import page_customers, page_orders, page_products
from connectors.platforms.shopify.orders import normalise_order
from connectors.platforms.shopify.points import usage
from connectors.platforms.shopify.probe import probe
from connectors.platforms.shopify.products import fetch_product, normalise_product
from connectors.platforms.shopify.purse import OPTION
from connectors.platforms.shopify.reading import fetch_order
from connectors.platforms.shopify.sandbox import SANDBOX
from connectors.platforms.shopify.webhooks import WEBHOOKS

_SIGNED_IN = ("app", "app_all_orders", "custom_app", "own_shop")

SETTINGS = (
    Setting("auth", "Way to connect", "How your app is registered at Shopify.", kind="choice", choices=LABELS, default="app"),
    Setting(
        "client_id", "Client ID", "Of your app in Shopify's Dev Dashboard, under Settings.", required=True, secret=True, ways=_SIGNED_IN
    ),
    Setting(
        "client_secret",
        "Client secret",
        "Of the same app (a custom app calls it API secret key). Shopify signs its webhooks with it.",
        required=True,
        secret=True,
    ),
    Setting("access_token", "Admin API access token", "Shown once by the custom app.", required=True, secret=True, ways=("token",)),
)

STATUSES = (
    ("pending", "Payment pending"),
    ("authorized", "Authorized"),
    ("partially_paid", "Partially paid"),
    ("paid", "Paid"),
    ("partially_refunded", "Partially refunded"),
    ("refunded", "Refunded"),
    ("voided", "Voided"),
    ("expired", "Expired"),
)

CONNECTOR = Connector(
    platform="shopify",
    label="Shopify",
    auth=APP,
    ways=WAYS,
    settings=SETTINGS,
    open=open_api,
    probe=probe,
    reads={
        ObjectType.ORDER: Reads(fetch_order, normalise_order, page_orders),
        ObjectType.CUSTOMER: Reads(fetch_customer, normalise_customer, page_customers),
        ObjectType.PRODUCT: Reads(fetch_product, normalise_product, page_products),
    },
    writes={},
    # Shopify counts points, not calls (see points.py); this only keeps a shop from being stormed.
    limits=RateLimit(per_second=40, burst=80),
    webhooks=WEBHOOKS,
    link=link,
    usage=usage,
    statuses=STATUSES,
    paid_statuses=("paid", "partially_paid", "partially_refunded", "refunded"),
    source_options=(OPTION,),
    payment_methods=("shopify_payments", "paypal", "shop_pay", "gift_card", "shopify_store_credit", "manual", "bank deposit", "cash"),
    address_help="The permanent one, which ends in .myshopify.com: https://my-shop.myshopify.com (Settings > Domains in Shopify)",
    refuses=refuses,
    sandbox=SANDBOX,
)
