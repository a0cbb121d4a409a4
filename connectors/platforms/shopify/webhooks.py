"""What Shopify sends us: signed deliveries in the old REST shape. They are hints; the order is read anew each time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from connectors.canonical.identity import Notice, ObjectType
from connectors.kit.contract import Delivery, Event, Greeting, PrivacyRequest, Subscriptions, Webhooks, Whose
from connectors.kit.errors import Rejected
from connectors.kit.signatures import check_base64
from connectors.kit.tame import Tame, parse_json
from connectors.platforms.shopify.api import shop_domain
from connectors.platforms.shopify.ids import number_of
from connectors.platforms.shopify.probe import missing
from connectors.platforms.shopify.subscriptions import create_subscription, delete_subscription, list_subscriptions

TOPICS = {
    ObjectType.ORDER: (
        "orders/create",
        "orders/updated",
        "orders/paid",
        "orders/cancelled",
        "orders/delete",
        "refunds/create",
        "order_transactions/create",
    ),
    ObjectType.CUSTOMER: ("customers/create", "customers/update", "customers/delete"),
    ObjectType.PRODUCT: ("products/create", "products/update"),
}
UNINSTALLED, SCOPES = "app/uninstalled", "app/scopes_update"
_ABOUT_ORDERS = ("refunds/", "order_transactions/")


def header(delivery: Delivery, name: str) -> str:
    """X-Shopify-Name, or Shopify-Name as Shopify's coming delivery system spells it."""
    return delivery.headers.get(f"x-shopify-{name}") or delivery.headers.get(f"shopify-{name}", "")


def greet(_delivery: Delivery) -> Greeting | None:
    """Shopify neither pings nor shakes hands."""
    return None


def verify(delivery: Delivery, secrets: Sequence[str]) -> None:
    """base64(HMAC-SHA256(raw body)) under the app's secret; raises BadSignature."""
    check_base64(header(delivery, "hmac-sha256"), delivery.body, secrets)


def app_secret(secrets: Mapping[str, str]) -> tuple[str, ...]:
    return (secrets.get("client_secret", ""),)


def whose(delivery: Delivery) -> Whose:
    """The shop in the header; one app's secret signs for all its shops."""
    domain = shop_domain(header(delivery, "shop-domain"))
    return Whose(f"https://{domain}") if domain else Whose(ids={"shop": "unknown"})


def parse(delivery: Delivery) -> Event:
    """The event behind a verified delivery."""
    topic = header(delivery, "topic")[:60]
    try:
        body = parse_json(delivery.body, "delivery")
        return _event(topic, body, delivery)
    except Rejected as error:
        return Event(_key(delivery, topic, ""), topic, (), f"Shopify sent a delivery that cannot be read: {error.message}")


def _event(topic: str, body: Tame, delivery: Delivery) -> Event:
    if topic == UNINSTALLED:
        ends = "The app was removed at Shopify. Connect the shop again if that was not meant."
        return Event(_key(delivery, topic, ""), topic, (), ends=ends, at=_triggered(delivery))
    if topic in _PRIVACY:
        return Event(_key(delivery, topic, ""), topic, (), privacy=_privacy(topic, body))
    notices = tuple(_notices(topic, body))
    problem = "" if notices else _problem(topic, body)
    return Event(_key(delivery, topic, notices[0].source_id if notices else ""), topic, notices, problem)


def _key(delivery: Delivery, topic: str, source_id: str) -> str:
    """Deliveries to several registrations share the event's id, and a retry has its delivery's id again; either is enough."""
    event = header(delivery, "event-id") or header(delivery, "webhook-id")
    return f"{topic}:{event[:80]}:{source_id[:40]}"


def _triggered(delivery: Delivery) -> datetime | None:
    text = header(delivery, "triggered-at")
    try:
        return Tame(text, "triggered-at").time() if text else None
    except Rejected:
        return None


# ---- what to look at ---------------------------------------------------------------------------------------


def _notices(topic: str, body: Tame) -> list[Notice]:
    kind, _, event = topic.partition("/")
    if topic.startswith(_ABOUT_ORDERS):
        return [Notice(ObjectType.ORDER, body["order_id"].known_identifier(), topic)]
    if topic == "orders/edited":
        return [Notice(ObjectType.ORDER, body["order_edit"]["order_id"].known_identifier(), topic)]
    if topic == "customers/merge":
        kept, gone = (number_of(body[f"admin_graphql_api_customer_{which}_id"]) for which in ("kept", "deleted"))
        return [Notice(ObjectType.CUSTOMER, kept, topic), Notice(ObjectType.CUSTOMER, gone, topic, deleted=True)]
    if kind == "orders":
        return [_notice(ObjectType.ORDER, body, topic, event)]
    if kind == "customers" and event in ("create", "update", "delete", "enable", "disable"):
        return [_notice(ObjectType.CUSTOMER, body, topic, event)]
    return _variants(topic, body) if topic in TOPICS[ObjectType.PRODUCT] else []


def _notice(kind: ObjectType, body: Tame, topic: str, event: str) -> Notice:
    return Notice(kind, body["id"].known_identifier(), topic, deleted=event == "delete", version=_version(body))


def _version(body: Tame) -> str:
    """The change time as the listings write it: bodies carry the shop's own offset."""
    moment = body.get("updated_at").time_or_none()
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment else ""


def _variants(topic: str, body: Tame) -> list[Notice]:
    """All variants: the body has the first hundred, and the global ids of all."""
    version = _version(body)
    if not body.get("variant_gids").is_null:
        numbers = [number_of(row["admin_graphql_api_id"]) for row in body["variant_gids"].items()]
    else:
        numbers = [row["id"].known_identifier() for row in body["variants"].items()]
    return [Notice(ObjectType.PRODUCT, number, topic, version=version) for number in dict.fromkeys(numbers)]


def _problem(topic: str, body: Tame) -> str:
    if topic == SCOPES:
        lost = missing(frozenset(scope.text() for scope in body["current"].items()))
        if lost:
            return f"The app lost the scope {', '.join(lost)} at Shopify. Give it back to the app, then connect again."
        return "The app's scopes were changed at Shopify; all that are needed are still there."
    return f"Shopify sent {topic or 'an event without a topic'}, which is of no use here. Remove that webhook from the app."


# ---- privacy -----------------------------------------------------------------------------------------------

_PRIVACY = {"customers/data_request": "export_person", "customers/redact": "redact_person", "shop/redact": "redact_account"}


def _privacy(topic: str, body: Tame) -> PrivacyRequest:
    """A request may name no more of the person than an e-mail. Orders come as ids of the old kind."""
    if topic == "shop/redact":
        return PrivacyRequest("redact_account", reference=f"shop {body['shop_id'].identifier()}")
    person = body["customer"]
    orders = body.get("orders_to_redact" if topic == "customers/redact" else "orders_requested")
    objects = [(ObjectType.ORDER, row.known_identifier()) for row in orders.items_or_none()]
    if number := person.get("id").identifier():
        objects.insert(0, (ObjectType.CUSTOMER, number))
    request = body.get("data_request")
    return PrivacyRequest(
        "redact_person" if topic == "customers/redact" else "export_person",
        emails=_some(person.get("email")),
        telephones=_some(person.get("phone")),
        objects=tuple(objects),
        reference=("" if request.is_null else request["id"].identifier())[:100],
    )


def _some(field: Tame) -> tuple[str, ...]:
    found = field.text_or().strip()
    return (found,) if found else ()


WEBHOOKS = Webhooks(
    greet=greet,
    verify=verify,
    parse=parse,
    topics=TOPICS,
    subscriptions=Subscriptions(list=list_subscriptions, create=create_subscription, delete=delete_subscription),
    own_secret=False,
    extra_topics=(UNINSTALLED,),
    secrets=app_secret,
    whose=whose,
)
