"""Every recorded shape normalises; whatever is spoiled in it is either not read, or refused with its path."""

import copy
from dataclasses import replace

import pytest
from conformance_world import deliveries, fixtures, leaves

from connectors.canonical.catalogue import Product
from connectors.canonical.collection import Collection
from connectors.canonical.identity import ObjectType
from connectors.canonical.ledger import Credit, Invoice, Payment
from connectors.canonical.order import Order
from connectors.canonical.party import Customer
from connectors.kit.contract import Delivery
from connectors.kit.errors import BadSignature, Rejected

TYPES = {
    ObjectType.ORDER: Order,
    ObjectType.CUSTOMER: Customer,
    ObjectType.PRODUCT: Product,
    ObjectType.INVOICE: Invoice,
    ObjectType.PAYMENT: Payment,
    ObjectType.CREDIT: Credit,
    ObjectType.COLLECTION: Collection,
}
FIXTURES, DELIVERIES = fixtures(), deliveries()
SIGNED = [recorded for recorded in DELIVERIES if recorded.secret]
UNSIGNED = [recorded for recorded in DELIVERIES if not recorded.secret]
each_fixture = pytest.mark.parametrize("fixture", FIXTURES, ids=str)
each_signed = pytest.mark.parametrize("recorded", SIGNED, ids=str)


@each_fixture
def test_it_normalises_to_its_type_without_touching_the_evidence(fixture):
    raw, untouched = fixture.raw(), fixture.raw()
    found = fixture.normalised(raw)
    assert isinstance(found, TYPES[fixture.kind])
    assert found.id
    assert raw == untouched
    assert fixture.normalised(raw) == found


def dotted(path):
    """("order", "lines", 0, "total") as tame names it: order.lines[0].total."""
    text = ""
    for key in path:
        text += f"[{key}]" if isinstance(key, int) else f".{key}" if text else key
    return text


def named(path, message):
    """Whether the message names the place, with or without the aggregate's outermost key."""
    return dotted(path) in message or (len(path) > 1 and dotted(path[1:]) in message)


def check_named(path, error):
    assert named(path, error.message), f"{dotted(path)} is not named in: {error.message}"


def spoiled(raw, path, value):
    raw = copy.deepcopy(raw)
    place = raw
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return raw


@each_fixture
def test_a_malformed_field_is_unread_or_refused_by_its_path(fixture):
    raw = fixture.raw()
    expected, refused = fixture.normalised(raw), 0
    for path in leaves(raw):
        for wrong in ({"not": "this"}, [["nor this"]]):
            try:
                assert fixture.normalised(spoiled(raw, path, wrong)) == expected, f"{dotted(path)} was misread silently"
            except Rejected as error:
                refused += 1
                check_named(path, error)
    assert refused


@each_fixture
def test_a_missing_or_null_field_is_optional_or_refused_by_its_path(fixture):
    raw, refused = fixture.raw(), 0
    for path in leaves(raw):
        absent = spoiled(raw, path, None)
        place = absent
        for key in path[:-1]:
            place = place[key]
        for change in (lambda: None, lambda place=place, key=path[-1]: place.pop(key) if isinstance(place, dict) else None):
            change()
            try:
                fixture.normalised(absent)
            except Rejected as error:
                refused += 1
                check_named(path, error)
    assert refused


@each_fixture
def test_amounts_beyond_reason_are_refused(fixture):
    raw = fixture.raw()
    expected = fixture.normalised(raw)
    for path in leaves(raw):
        for wrong in ("NaN", "Infinity", "1e400", True):
            try:
                found = fixture.normalised(spoiled(raw, path, wrong))
            except Rejected as error:
                check_named(path, error)
            else:
                for amount in ("NaN", "Infinity"):
                    assert f"Decimal('{amount}')" not in repr(found)
    assert fixture.normalised(raw) == expected


# ---- deliveries --------------------------------------------------------------------------------------------


def refused(recorded, delivery, secrets):
    with pytest.raises(BadSignature):
        recorded.connector.webhooks.verify(delivery, secrets)


@each_signed
def test_signed_deliveries_pass_with_their_secret_alone(recorded):
    hooks = recorded.connector.webhooks
    hooks.verify(recorded.delivery, [recorded.secret])
    hooks.verify(recorded.delivery, ["another-secret", recorded.secret])
    for secrets in ([], [""], ["another-secret"], [recorded.secret + "x"]):
        refused(recorded, recorded.delivery, secrets)


@each_signed
def test_unsigned_and_changed_deliveries_are_refused(recorded):
    headers, body = recorded.delivery.headers, recorded.delivery.body
    refused(recorded, replace(recorded.delivery, headers={}, body=body), [recorded.secret])
    for changed in (b"", body + b" x", body[:-1], b"x" + body[1:], bytes([*body[:-1], body[-1] ^ 1])):
        refused(recorded, replace(recorded.delivery, headers=headers, body=changed), [recorded.secret])


@each_signed
def test_events_say_the_same_each_time_and_say_one_thing(recorded):
    hooks = recorded.connector.webhooks
    event = hooks.parse(recorded.delivery)
    assert replace(hooks.parse(recorded.delivery), dedupe_key=event.dedupe_key) == event
    said = (event.notices, event.problem, event.echo, event.ends, event.privacy)
    assert sum(map(bool, said)) == 1, "an event has notices, or a problem, or ends the connection, or asks for privacy, or is an echo"
    for notice in event.notices:
        assert notice.source_id
        assert notice.object_type in recorded.connector.reads
    assert hooks.greet(recorded.delivery) is None


def keys(recorded):
    return [recorded.connector.webhooks.parse(recorded.delivery).dedupe_key for _ in range(20)]


@each_signed
def test_a_repeat_is_recognised_or_never_mistaken(recorded):
    """A platform without event ids cannot tell a repeat from the next change: then each gets a key of its own."""
    found = keys(recorded)
    assert len(set(found)) in (1, len(found))
    assert all(0 < len(key) <= 200 for key in found)


def test_every_platform_recognises_some_repeats():
    for platform in {recorded.connector.platform for recorded in SIGNED}:
        assert any(len(set(keys(r))) == 1 for r in SIGNED if r.connector.platform == platform), platform


def test_events_that_differ_have_keys_that_differ():
    for connector in {recorded.connector.platform: recorded.connector for recorded in SIGNED}.values():
        events = [r.connector.webhooks.parse(r.delivery) for r in SIGNED if r.connector is connector]
        assert len({event.dedupe_key for event in events}) == len({(e.topic, e.notices, e.problem) for e in events})


@pytest.mark.parametrize("recorded", UNSIGNED, ids=str)
def test_greetings_are_recognised_and_never_pass_for_signed(recorded):
    assert recorded.connector.webhooks.greet(recorded.delivery) is not None
    refused(recorded, recorded.delivery, ["a-secret"])


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"{", b"[]", b"null", b'{"id": {}}', b"a=b&c", b"0" * 5000])
@pytest.mark.parametrize("headers", [{}, {"content-type": "application/json"}, {"content-type": "application/x-www-form-urlencoded"}])
def test_nonsense_is_no_greeting_and_not_signed(headers, body):
    for recorded in SIGNED:
        delivery = Delivery(headers, body)
        assert recorded.connector.webhooks.greet(delivery) is None
        refused(recorded, delivery, [recorded.secret])
