"""Magento 2, Adobe Commerce and Mage-OS: the table of contents of the connector."""

from __future__ import annotations

from datetime import timedelta

from connectors.canonical.identity import ObjectType
from connectors.kit.contract import Activation, Auth, ClientCredentials, Connector, Keys, RateLimit, Reads, Setting, Writes
from connectors.platforms.magento import customers, order_changes, order_marks
from connectors.platforms.magento.api import open_api
from connectors.platforms.magento.auth import WAYS
from connectors.platforms.magento.customers import fetch_customer, normalise_customer, page_customers
from connectors.platforms.magento.handshake import exchange, read_activation
from connectors.platforms.magento.links import link
from connectors.platforms.magento.orders import PAID_STATES, STATUSES, fetch_order, normalise_order, page_orders
from connectors.platforms.magento.probe import probe
from connectors.platforms.magento.products import fetch_product, normalise_product, page_products
from connectors.platforms.magento.sandbox import SANDBOX
from connectors.platforms.magento.webhooks import WEBHOOKS

_SIGNED, _ANY_KEYS = ("oauth1", "activation"), ("oauth1", "activation", "bearer")
# None is required, for an activation brings them all; the connection's test says what is missing.
SETTINGS = (
    Setting("auth", "Way to sign in", "Signed keys fit all but Adobe's cloud.", kind="choice", choices=WAYS, default="oauth1"),
    Setting("consumer_key", "Consumer key", "Of the integration: System > Extensions > Integrations.", secret=True, ways=_SIGNED),
    Setting("consumer_secret", "Consumer secret", "Of the same integration.", secret=True, ways=_SIGNED),
    Setting("access_token", "Access token", "Of the same integration, shown when it is activated.", secret=True, ways=_ANY_KEYS),
    Setting("access_token_secret", "Access token secret", "Of the same integration.", secret=True, ways=_SIGNED),
    Setting("organization_id", "Adobe organization id", "Ends in @AdobeOrg.", ways=("ims",)),
    Setting("store_code", "Store view code", "Empty: the shop's default view. Prices and currency are those of this view."),
    Setting(
        "catalogue_prices",
        "Catalogue prices",
        "As under Stores > Configuration > Sales > Tax > Calculation Settings.",
        kind="choice",
        choices=(("net", "Without tax"), ("gross", "With tax")),
        default="net",
    ),
    Setting("webhook_secret", "Webhook secret", "Of an extension that sends webhooks; see the platform's page.", secret=True),
    Setting("events_client_id", "Client id for Adobe I/O Events", "Of the project in Adobe's developer console.", secret=True),
    Setting("admin_path", "Path of the admin", 'For links to orders, for example "admin_1x2y3z"; empty: no links.'),
)

SOURCE_OPTIONS = (
    Setting("store_ids", "Stores to read", help="Store ids separated by commas; empty: all. The connection's test names the stores."),
)

_LABELS = {"fraud": "Suspected fraud", "holded": "On hold"}
_SHOWN_STATUSES = tuple((status, _LABELS.get(status, status.replace("_", " ").capitalize())) for status in STATUSES)

IMS_SCOPES = (
    "openid",
    "AdobeID",
    "email",
    "profile",
    "additional_info.roles",
    "additional_info.projectedProductContext",
    "commerce.accs",
)
WAYS_TO_CONNECT: dict[str, Auth] = {
    "oauth1": Keys(),
    "activation": Activation(read_activation, exchange),
    "bearer": Keys(token="access_token"),  # noqa: S106 - a name
    "ims": ClientCredentials(
        token_url="https://ims-na1.adobelogin.com/ims/token/v3",  # noqa: S106 - an address
        scopes=IMS_SCOPES,
        separator=",",
    ),
}

CONNECTOR = Connector(
    platform="magento",
    label="Magento",
    auth=WAYS_TO_CONNECT["oauth1"],
    ways=WAYS_TO_CONNECT,
    settings=SETTINGS,
    open=open_api,
    probe=probe,
    reads={
        ObjectType.ORDER: Reads(fetch_order, normalise_order, page_orders),
        ObjectType.CUSTOMER: Reads(fetch_customer, normalise_customer, page_customers),
        ObjectType.PRODUCT: Reads(fetch_product, normalise_product, page_products),
    },
    writes={
        ObjectType.CUSTOMER: Writes(
            customers.find_customers,
            customers.create_customer,
            get=customers.get_customer,
            update=customers.update_customer,
            settle=timedelta(seconds=60),
        ),
        ObjectType.ORDER_STATUS: Writes(
            order_changes.find_status, order_changes.write_status, get=order_changes.get_status, settle=timedelta(seconds=60)
        ),
        ObjectType.ORDER_NOTE: Writes(order_changes.find_note, order_changes.create_note, settle=timedelta(seconds=60)),
        ObjectType.ORDER_MARK: Writes(
            order_marks.find_mark, order_marks.create_mark, update=order_marks.update_mark, settle=timedelta(seconds=60)
        ),
    },
    # Magento has no limit for integrations; its host may. Full orders are heavy for a shop that also serves buyers.
    limits=RateLimit(per_second=10, burst=20),
    webhooks=WEBHOOKS,
    link=link,
    statuses=_SHOWN_STATUSES,
    paid_statuses=PAID_STATES,
    payment_methods=("checkmo", "banktransfer", "cashondelivery", "purchaseorder", "paypal_express", "braintree", "stripe_payments"),
    source_options=SOURCE_OPTIONS,
    sandbox=SANDBOX,
)
