"""Reading one object from its source, as it is now, and turning it into its canonical type."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from connectors.kit.contract import Raw
from connectors.kit.http import Api
from flows.known_by import names_of, skus_of
from flows.pipeline.workbench import Workbench, calling
from flows.selectors import with_items


@dataclass(frozen=True, slots=True)
class Extracted:
    """The raw aggregate, its canonical value and the hash of the raw."""

    raw: Raw
    value: Any
    raw_hash: str


def extract(bench: Workbench, source_id: str) -> Extracted:
    """Fetch and normalise. Raises Gone, Rejected (naming the bad field) and the network errors."""
    reads = bench.source.connector.reads[bench.recipe.source]
    with calling(bench.source) as api:
        raw = reads.fetch(api, source_id)
    return normalised(bench, api, raw)


def normalised(bench: Workbench, api: Api, raw: Raw) -> Extracted:
    """A raw aggregate that we hold already (a stored one, for a replay) through the same normaliser."""
    reads = bench.source.connector.reads[bench.recipe.source]
    digest = hashlib.sha256(json.dumps(raw, sort_keys=True, default=str).encode()).hexdigest()
    value = reads.normalise(raw, api.account)
    bench.origin, bench.names = origin_of(value), names_of(value)
    bench.context = replace(bench.context, mappings=with_items(bench.mappings, bench.flow, skus_of(value)))
    return Extracted(raw, value, digest)


def origin_of(value: Any) -> dict[str, str]:
    """What the source calls the object, and its own times: which one a record is about can be told years later."""
    found = {name: getattr(value, field, None) for name, field in _ORIGIN.items()}
    return {name: given.isoformat() if isinstance(given, datetime) else str(given) for name, given in found.items() if given}


_ORIGIN = {"id": "id", "name": "number", "placed at": "placed_at", "changed at": "updated_at"}
