"""POST /<resource>/batch: up to a hundred creations, changes and deletions, each with its own outcome."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from connectors.kit.sandbox import Answer
from connectors.platforms.woocommerce.sandbox.wire import Refusal, Request, reply

LARGEST = 100


def batch(endpoints: Mapping[str, Callable[..., Answer]], id_name: str) -> Callable[[Request], Answer]:
    """The batch endpoint of a resource; failed items appear as {id, error} among the others, and all is 200."""

    def answer(request: Request) -> Answer:
        wanted = {action: list(request.body.get(action) or []) for action in ("create", "update", "delete")}
        if sum(len(items) for items in wanted.values()) > LARGEST:
            message = f"Unable to accept more than {LARGEST} items for this request."
            raise Refusal(413, "woocommerce_rest_request_entity_too_large", message)
        return reply(
            {
                action: [_one(request, endpoints[action], action, id_name, item) for item in items]
                for action, items in wanted.items()
                if items
            }
        )

    return answer


def _one(request: Request, endpoint: Callable[..., Answer], action: str, id_name: str, item: Any) -> Any:
    number = int(item) if action == "delete" else int(item.get("id") or 0)
    query = {"force": "true"} if action == "delete" else {}
    inner = replace(request, query=query, body=item if isinstance(item, dict) else {})
    try:
        done = endpoint(inner) if action == "create" else endpoint(inner, **{id_name: number})
    except Refusal as refusal:
        return {"id": number, "error": refusal.body()}
    return json.loads(done.body)
