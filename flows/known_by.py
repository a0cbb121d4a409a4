"""What a record is looked for by besides its number: e-mails, SKUs, references of payments. Kept as keyed digests, which name nobody."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from django.db import connection as database
from django.utils.crypto import salted_hmac

from connectors.canonical.catalogue import Product
from connectors.canonical.collection import Collection as Collected
from connectors.canonical.ledger import Invoice
from connectors.canonical.order import Order
from connectors.canonical.party import Customer
from flows.models import Flow, RecordName

MOST = 400  # names of one record: whether an item is sold by nobody else is read from them, and SQLite takes 500 in a statement
_ONE = "SELECT CAST(%s AS VARCHAR(32)) AS digest"
_INSERT = """
INSERT INTO flows_recordname (record_id, digest) SELECT r.id, d.digest FROM flows_syncrecord r, ({digests}) d
WHERE r.flow_id = %s AND r.object_type = %s AND r.source_id = %s ON CONFLICT DO NOTHING
"""


def digest_of(text: str) -> str:
    """The same for however it is written: blanks around it and case do not matter."""
    return salted_hmac("tillbridge.names", text.strip().casefold(), algorithm="sha256").hexdigest()[:32]


def names_of(value: Any) -> tuple[str, ...]:
    """What people may search a canonical value by."""
    found = dict.fromkeys(name.strip() for name in _names(value) if name and name.strip())
    return tuple(found)[:MOST]


def _names(value: Any) -> Iterator[str]:
    match value:
        case Order():
            yield value.customer.email
            yield from skus_of(value)
            yield from (payment.reference for payment in value.transactions)
        case Customer():
            yield value.email
        case Product():
            yield value.sku
        case Invoice():
            yield from (value.number, value.reference)
        case Collected():
            yield from (value.email, value.reference)
            yield from (payment.reference for payment in value.payments)


def skus_of(value: Any) -> tuple[str, ...]:
    """What a canonical value sells, by the shop's own number; nothing for what sells nothing."""
    match value:
        case Order():
            return tuple(line.sku for line in value.lines)
        case Product():
            return (value.sku,)
    return ()


def keep_names(flow_id: int, object_type: str, source_id: str, names: Sequence[str]) -> None:
    """Add what the record is known by, in one statement; what it was known by before stays: people search for that, too."""
    digests = sorted({digest_of(name) for name in names})
    if not digests:
        return
    statement = _INSERT.format(digests=" UNION ALL ".join([_ONE] * len(digests)))
    with database.cursor() as cursor:
        cursor.execute(statement, [*digests, flow_id, object_type, source_id])


def records_known_by(flows: Collection[Flow], names: Iterable[str], at_most: int) -> list[int]:
    """The ids of the newest records that go by one of these names."""
    rows = RecordName.objects.filter(digest__in=[digest_of(name) for name in names], record__flow__in=flows)
    return list(rows.order_by("-record_id").values_list("record_id", flat=True)[:at_most])
