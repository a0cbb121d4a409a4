"""The GraphQL address: token, points, execution by graphql-core, errors as Shopify words them."""

from __future__ import annotations

import json
import time
from functools import lru_cache
from typing import Any

from graphql import DocumentNode, GraphQLError, execute_sync, parse, validate

from connectors.kit.sandbox import Answer, Call
from connectors.platforms.shopify.sandbox.cost import requested, used
from connectors.platforms.shopify.sandbox.exports import export_roots, start_export
from connectors.platforms.shopify.sandbox.hooks import create_hook, delete_hook
from connectors.platforms.shopify.sandbox.model import Json
from connectors.platforms.shopify.sandbox.resolving import SCHEMA, Refusal, resolve, roots
from connectors.platforms.shopify.sandbox.state import Shop

DEAREST = 1000.0
NO_TOKEN = "[API] Invalid API key or access token (unrecognized login or wrong password)"  # noqa: S105 - words


@lru_cache(maxsize=256)
def _read(text: str) -> tuple[DocumentNode | None, tuple[GraphQLError, ...]]:
    try:
        document = parse(text)
    except GraphQLError as error:
        return None, (error,)
    return document, tuple(validate(SCHEMA, document))


def graphql_call(shop: Shop, call: Call, version: str) -> Answer:
    """One POST to /admin/api/<version>/graphql.json, under the sandbox's lock."""
    headers = {"X-Shopify-API-Version": shop.switches.serves or version, "X-Request-Id": f"sandbox-{shop.next_id('event')}"}
    if not _known(shop, call.headers.get("x-shopify-access-token", "")):
        return Answer.of({"errors": NO_TOKEN}, 401, headers)
    body = call.json() or {}
    text, variables = str(body.get("query", "")), dict(body.get("variables") or {})
    return Answer.of(answer(shop, text, variables), 200, headers)


def _known(shop: Shop, access: str) -> bool:
    token = shop.tokens.get(access)
    if token is None or not shop.installed:
        return False
    token.used = True
    return token.expires_at is None or time.time() < token.expires_at


def answer(shop: Shop, text: str, variables: Json) -> Json:
    """The body of the answer."""
    document, problems = _read(text)
    if document is None or problems:
        return {"errors": [_error(str(problem.message), "undefinedField") for problem in problems]}
    price = requested(SCHEMA, document, variables)
    if price > DEAREST:
        dear = {
            "code": "MAX_COST_EXCEEDED",
            "cost": price,
            "maxCost": DEAREST,
            "documentation": "https://shopify.dev/api/usage/rate-limits",
        }
        return {"errors": [{"message": f"Query cost is {price:g}, which exceeds the single query max cost limit", "extensions": dear}]}
    if shop.fill_bucket() < price:
        slow = {"code": "THROTTLED", "documentation": "https://shopify.dev/api/usage/rate-limits"}
        return {"errors": [{"message": "Throttled", "extensions": slow}], **_cost(shop, price, None)}
    return _executed(shop, document, variables, price)


def _executed(shop: Shop, document: DocumentNode, variables: Json, price: float) -> Json:
    root = {**roots(shop), **export_roots(shop), **_mutations(shop)}
    found = execute_sync(SCHEMA, document, root, variable_values=variables, field_resolver=resolve)
    spent = used(found.data, price)
    shop.points -= spent
    shop.spent += spent
    body: Json = {"data": json.loads(json.dumps(found.data)), **_cost(shop, price, spent)}
    if found.errors:
        body["errors"] = [
            _error(error.message, "BAD_REQUEST" if isinstance(error.original_error, Refusal) else "") for error in found.errors
        ]
        for error in found.errors:
            if error.original_error is not None and not isinstance(error.original_error, Refusal):
                raise error.original_error  # a bug of the sandbox must show as one
    return body


def _mutations(shop: Shop) -> Json:
    return {
        "webhookSubscriptionCreate": lambda **args: create_hook(shop, args["topic"], args["webhookSubscription"]),
        "webhookSubscriptionDelete": lambda id: delete_hook(shop, id),
        "bulkOperationRunQuery": lambda query, **_: start_export(shop, query),
    }


def _cost(shop: Shop, price: float, spent: float | None) -> Json:
    level = {
        "maximumAvailable": shop.switches.bucket,
        "currentlyAvailable": int(shop.points),
        "restoreRate": shop.switches.restore,
    }
    return {"extensions": {"cost": {"requestedQueryCost": int(price), "actualQueryCost": spent and int(spent), "throttleStatus": level}}}


def _error(message: str, code: str) -> dict[str, Any]:
    return {"message": message, "extensions": {"code": code}} if code else {"message": message}
