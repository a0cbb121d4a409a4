"""Calls to one shop: its address, its version, its points."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC
from typing import Any

from connectors.canonical.identity import Window
from connectors.kit.account import Account
from connectors.kit.errors import NeedsAttention, Refused, Rejected, SyncError, Unclear
from connectors.kit.http import Api, Bearer, Effect, Plumbing, Response
from connectors.kit.tame import Tame
from connectors.platforms.shopify.answers import TOO_DEAR, classify
from connectors.platforms.shopify.points import note_cost, note_level, points_for
from connectors.platforms.shopify.queries import API_VERSION, Operation

DOMAIN = re.compile(r"[a-z0-9][a-z0-9-]*\.myshopify\.com")
PATH = f"/admin/api/{API_VERSION}/graphql.json"
TOKEN_HEADER = "X-Shopify-Access-Token"  # noqa: S105 - a header's name
FULL_PAGE = 250


def shop_domain(text: str) -> str:
    """The shop's permanent domain from what a person typed; "" when it is none (a trailing newline or another host is none)."""
    host = text.strip().lower().removeprefix("https://").removeprefix("http://").partition("/")[0]
    return host if DOMAIN.fullmatch(host) else ""


def refuses(address: str) -> str:
    """Why this is no address of a shop; its own domain, which visitors see, serves neither the API nor the sign-in."""
    return "" if shop_domain(address) else "Enter the address that ends in .myshopify.com (Settings > Domains in Shopify)."


def open_api(account: Account, plumbing: Plumbing) -> Api:
    """The shop's GraphQL Admin API. Only an address of Shopify gets our token, unless the connection names another one (sandbox)."""
    domain = shop_domain(account.base_url)
    base_url = account.urls.get("api", "").rstrip("/") or (f"https://{domain}" if domain else "")
    if not base_url:
        raise NeedsAttention("The address of the connection is not one that ends in .myshopify.com. Correct it there.", code="no_shop")

    def judge(response: Response) -> SyncError | None:
        _check_version(plumbing, response)
        note_level(account, plumbing, response)
        return classify(response)

    auth = Bearer(plumbing.tokens, TOKEN_HEADER, "") if plumbing.tokens else None
    return Api(account, base_url, judge, plumbing, auth=auth, headers={"Accept": "application/json"})


def _check_version(plumbing: Plumbing, response: Response) -> None:
    """A version that is no longer served is answered by the oldest one that is: another header than we asked for is the alarm."""
    served = response.headers.get("x-shopify-api-version", API_VERSION)
    if served == API_VERSION:
        return
    plumbing.warn(
        "api_version",
        f"Shopify answers in version {served[:20]} of its API, but we asked for {API_VERSION}, which it no longer serves. "
        "Update Tillbridge before fields change their meaning.",
    )


def ask(api: Api, operation: Operation, variables: Mapping[str, Any] | None = None, *, effect: Effect = Effect.READ) -> Tame:
    """The data of one operation. Waits for points first; raises what the answer stands for."""
    body = {"query": operation.text, "variables": dict(variables or {}), "operationName": operation.name}
    with points_for(api, operation):
        answer = api.call("POST", PATH, json=body, effect=effect)
    note_cost(api, operation, answer)
    try:
        data = answer.json(operation.name)["data"]
        data.mapping()
    except Rejected as error:
        if effect is Effect.CREATE:
            raise Unclear(f"Shopify's answer to a write is not readable ({error.message}).", code=error.code) from error
        raise
    return data


def ask_sized(api: Api, operation: Operation, variables: Mapping[str, Any], *sizes: str) -> Tame:
    """The same, with page sizes among the variables that are halved as long as Shopify finds the query too expensive."""
    values = dict(variables)
    while True:
        try:
            return ask(api, operation, values)
        except Refused as error:
            if error.code != TOO_DEAR or all(values[size] == 1 for size in sizes):
                raise
            values.update({size: max(1, values[size] // 2) for size in sizes})


def walk(api: Api, operation: Operation, variables: Mapping[str, Any], *path: str) -> Iterator[Tame]:
    """All nodes of a connection, page by page; path leads from the data to it. variables hold n, and after where it goes on."""
    values = {"after": None, **variables}
    while True:
        found = ask_sized(api, operation, values, "n")
        for step in path:
            found = found[step]
        yield from found["nodes"].items()
        after = next_page(found)
        if after is None:
            return
        values["after"] = after


def next_page(connection: Tame) -> str | None:
    """The cursor behind this page, None at the end."""
    info = connection["pageInfo"]
    return info["endCursor"].text() if info["hasNextPage"].boolean() else None


def named(tame: Tame, name: str) -> Tame:
    """The same value under a path of its own."""
    return replace(tame, path=name)


def changed_in(window: Window) -> str:
    """The search filter for a closed window of change times, in whole seconds; times must be quoted."""
    since, until = (moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") for moment in (window.since, window.until))
    return f"updated_at:>='{since}' updated_at:<='{until}'"
