"""WooCommerce: the table of contents of the connector."""

from __future__ import annotations

from datetime import timedelta

from connectors.canonical.identity import ObjectType
from connectors.kit.contract import Connector, Handover, Keys, RateLimit, Reads, Setting, Subscriptions, Webhooks, Writes
from connectors.platforms.woocommerce.api import open_api
from connectors.platforms.woocommerce.auth import WAYS
from connectors.platforms.woocommerce.customers import fetch_customer, normalise_customer, page_customers
from connectors.platforms.woocommerce.handover import read_handover, start_handover
from connectors.platforms.woocommerce.links import link
from connectors.platforms.woocommerce.order_notes import create_note, find_note
from connectors.platforms.woocommerce.order_status import find_status, get_status, write_status
from connectors.platforms.woocommerce.orders import fetch_order, normalise_order, page_orders, stored_order
from connectors.platforms.woocommerce.probe import probe
from connectors.platforms.woocommerce.products import fetch_product, normalise_product, page_products
from connectors.platforms.woocommerce.sandbox import SANDBOX
from connectors.platforms.woocommerce.subscriptions import (
    create_subscription,
    delete_subscription,
    enable_subscription,
    list_subscriptions,
)
from connectors.platforms.woocommerce.webhooks import TOPICS, greet, parse, verify

SETTINGS = (
    Setting(
        "consumer_key",
        "Consumer key",
        "Starts with ck_; made under WooCommerce > Settings > Advanced > REST API.",
        required=True,
        secret=True,
    ),
    Setting("consumer_secret", "Consumer secret", "Starts with cs_; shown once, together with the key.", required=True, secret=True),
    Setting("auth", "Way to sign in", "Automatic fits nearly every shop.", kind="choice", choices=WAYS, default="auto"),
    Setting(
        "signed_address",
        "Address for signatures",
        "Only with OAuth 1.0a behind a proxy: the site address as WordPress has it under Settings > General.",
    ),
)

STATUSES = (
    ("pending", "Pending payment"),
    ("processing", "Processing"),
    ("on-hold", "On hold"),
    ("completed", "Completed"),
    ("cancelled", "Cancelled"),
    ("refunded", "Refunded"),
    ("failed", "Failed"),
)

CONNECTOR = Connector(
    platform="woocommerce",
    label="WooCommerce",
    auth=Keys(),
    settings=SETTINGS,
    open=open_api,
    probe=probe,
    reads={
        ObjectType.ORDER: Reads(fetch_order, normalise_order, page_orders, stored=stored_order),
        ObjectType.CUSTOMER: Reads(fetch_customer, normalise_customer, page_customers),
        ObjectType.PRODUCT: Reads(fetch_product, normalise_product, page_products),
    },
    writes={
        ObjectType.ORDER_STATUS: Writes(find_status, write_status, get=get_status, settle=timedelta(seconds=30)),
        ObjectType.ORDER_NOTE: Writes(find_note, create_note),
    },
    # WooCommerce has no limit of its own; small hosts do (a few PHP workers that also serve the buyers).
    limits=RateLimit(per_second=20, burst=40),
    webhooks=Webhooks(
        greet=greet,
        verify=verify,
        parse=parse,
        topics=TOPICS,
        subscriptions=Subscriptions(
            list=list_subscriptions,
            create=create_subscription,
            delete=delete_subscription,
            enable=enable_subscription,
        ),
    ),
    handover=Handover(start=start_handover, read=read_handover),
    link=link,
    statuses=STATUSES,
    paid_statuses=("processing", "completed", "refunded"),
    payment_methods=("bacs", "cheque", "cod", "stripe", "woocommerce_payments", "ppcp-gateway", "paypal"),
    sandbox=SANDBOX,
)
