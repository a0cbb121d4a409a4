"""BigCommerce: the table of contents of the connector."""

from __future__ import annotations

from connectors.canonical.identity import ObjectType
from connectors.kit.contract import Connector, RateLimit, Reads, Setting, Subscriptions, Webhooks
from connectors.platforms.bigcommerce.api import open_api
from connectors.platforms.bigcommerce.auth import LABELS, WAYS
from connectors.platforms.bigcommerce.customers import fetch_customer, normalise_customer, page_customers
from connectors.platforms.bigcommerce.links import link
from connectors.platforms.bigcommerce.order_paging import page_orders
from connectors.platforms.bigcommerce.orders import fetch_order, normalise_order
from connectors.platforms.bigcommerce.probe import probe
from connectors.platforms.bigcommerce.products import fetch_product, normalise_product, page_products
from connectors.platforms.bigcommerce.sandbox import SANDBOX
from connectors.platforms.bigcommerce.statuses import TABLE
from connectors.platforms.bigcommerce.subscriptions import (
    create_subscription,
    delete_subscription,
    enable_subscription,
    list_subscriptions,
)
from connectors.platforms.bigcommerce.webhooks import EXTRA_TOPICS, TOPICS, greet, parse, signing_secrets, verify, whose

SETTINGS = (
    Setting("auth", "Way to connect", "An API account is made in the store itself.", kind="choice", choices=LABELS, default="account"),
    Setting(
        "store_hash",
        "Store hash",
        "The letters and digits behind /stores/ in the API path of the API account, and behind store- in the control panel's address.",
        required=True,
    ),
    Setting(
        "access_token",
        "Access token",
        "Shown once when the API account is made, under Settings > Store-level API accounts.",
        required=True,
        secret=True,
        ways=("account",),
    ),
    Setting("client_id", "Client ID", "Of the same API account, or of your app.", secret=True, first=True),
    Setting(
        "client_secret",
        "Client secret",
        "Of the same API account, or of your app: webhooks are signed with it. Without it only our own header proves them.",
        secret=True,
        first=True,
    ),
)
SOURCE_OPTIONS = (
    Setting(
        "categories",
        "Product categories",
        "Map the categories of products to items, as category:21 under accounts. One more call per order.",
        kind="choice",
        choices=(("ignore", "Leave alone"), ("map", "Map to items")),
        default="ignore",
    ),
)

CONNECTOR = Connector(
    platform="bigcommerce",
    label="BigCommerce",
    auth=WAYS["account"],
    ways=WAYS,
    settings=SETTINGS,
    source_options=SOURCE_OPTIONS,
    open=open_api,
    probe=probe,
    reads={
        ObjectType.ORDER: Reads(fetch_order, normalise_order, page_orders),
        ObjectType.CUSTOMER: Reads(fetch_customer, normalise_customer, page_customers),
        ObjectType.PRODUCT: Reads(fetch_product, normalise_product, page_products),
    },
    writes={},  # nothing is written to the store but webhooks
    # 150 calls in 30 s on the smaller plans, 450 on Pro, shared with other apps: what is left stands in each answer and slows all workers.
    limits=RateLimit(per_second=15, burst=60),
    webhooks=Webhooks(
        greet=greet,
        verify=verify,
        parse=parse,
        topics=TOPICS,
        extra_topics=EXTRA_TOPICS,
        secrets=signing_secrets,
        whose=whose,
        subscriptions=Subscriptions(
            list=list_subscriptions,
            create=create_subscription,
            delete=delete_subscription,
            enable=enable_subscription,
        ),
    ),
    link=link,
    statuses=tuple((status.word, status.label) for status in TABLE),
    paid_statuses=tuple(status.word for status in TABLE if status.paid),
    payment_methods=("stripe", "paypalexpress", "authorizenet", "braintree", "adyen", "square", "storecredit", "giftcertificate"),
    addressed=False,
    sandbox=SANDBOX,
)
