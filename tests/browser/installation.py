"""A running installation for the console's stories, and companies in it with people and sandboxes of their own."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
from django.utils.text import slugify

from config.management.commands.sandbox import describe, start_sandbox
from connectors.registry import get_connector
from tests.journeys.traffic import SUBSCRIBE
from tests.journeys.world import FLOWS, World, connection, run_provision, services_answer, world

PASSWORD = "a-long-password-of-tests"
ROLES = ("viewer", "bookkeeper", "support", "owner")
PLATFORMS = ("woocommerce", "freshbooks")
# Everybody has the same password: the clerk, who founds the companies, hashes it once (a third of a second, twice for each person).
ONE_HASH = """
from functools import cache
from django.contrib.auth import base_user, hashers
if not hasattr(base_user.make_password, "cache_info"):
    base_user.make_password = cache(hashers.make_password)
    hashers.make_password = lambda *_: ""  # what Django would pass the time with for a person who has no password yet
"""


@dataclass
class Company:
    """One organization, and the sandboxes that only it is connected to. Its people's user names are `role.slug`; `everything.slug` has all
    roles, `root.slug` is a superuser.
    """

    house: World
    slug: str
    directory: Path
    name: str
    sandboxes: dict[str, Any] = field(default_factory=dict)

    def user(self, role: str) -> str:
        return f"{role}.{self.slug}"

    def ask(self, platform: str, action: str, **body: Any) -> Any:
        """An action on the admin port of this company's sandbox."""
        answer = requests.post(f"{self.sandboxes[platform]['admin_url']}/{action}", json=body, timeout=60)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def shop(self, action: str, **body: Any) -> Any:
        return self.ask("woocommerce", action, **body)

    def books(self, action: str, **body: Any) -> Any:
        return self.ask("freshbooks", action, **body)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of the database. `{organization}` in the statement stands for this company's id."""
        return self.house.query(sql.replace("{organization}", f"(SELECT id FROM credentials_organization WHERE slug = '{self.slug}')"))

    def wait_for(self, sql: str, seconds: float = 60) -> None:
        """Until the statement's first value is true."""
        self.house.wait(sql, lambda: bool(self.query(sql)[0][0]), seconds)

    def place_orders(self, count: int, seed: int = 1, **more: Any) -> list[dict[str, Any]]:
        """Orders in the WooCommerce sandbox; their summaries as the shop knows them."""
        return list(self.shop("place_orders", count=count, seed=seed, **more)["orders"])

    def paid_order(self, seed: int = 1) -> dict[str, Any]:
        """An order that was paid in full and not refunded, among some others; it is in the books when this returns."""
        placed = self.place_orders(4, seed)
        self.wait_for_orders(4)
        return next(one for one in placed if one["captured"] == one["total"] != "0.00" and not float(one["refunded"]))

    def wait_for_orders(self, count: int, seconds: float = 60) -> None:
        """Until so many orders have come to an end, good or bad."""
        ended = "SELECT COUNT(*) >= %d FROM flows_syncrecord r JOIN flows_flow f ON f.id = r.flow_id WHERE f.organization_id ="
        self.wait_for(f"{ended % count} {{organization}} AND r.object_type = 'order' AND r.outcome <> ''", seconds)


@contextmanager
def installation(directory: Path) -> Iterator[World]:
    """Web, worker and beat on this machine's services, or on the embedded defaults."""
    environ = {"STATIC_ROOT": str(directory / "static")}
    # Journeys run at the same time, and the server has a hundred connections for all: a few threads do for a few orders.
    environ |= {"WORKER_THREADS": "8", "DATABASE_POOL_SIZE": "8"}
    with world(directory, services=services_answer(), environ=environ, platforms=()) as house:
        for name in ("web", "worker", "beat"):
            house.start(name)
        house.wait("the console", lambda: _answers(house.url), 120)
        yield house


def _answers(url: str) -> bool:
    try:
        return requests.get(f"{url}/admin/login/", timeout=5).status_code == 200
    except requests.RequestException:
        return False


@contextmanager
def company(
    house: World,
    directory: Path,
    *,
    platforms: Sequence[str] = PLATFORMS,
    flows: str | None = FLOWS,
    options: str = "",
    name: str = "",
) -> Iterator[Company]:
    """Found one. flows: as a provisioning file says them, `{poll}` and `{options}` filled in; None: nothing is connected yet."""
    slug = slugify(name) or "c" + secrets.token_hex(3)
    made = Company(house, slug, directory, name or f"Company {slug}")
    served = {platform: start_sandbox(get_connector(platform), seed=1) for platform in platforms}
    try:
        made.sandboxes = {platform: describe(get_connector(platform), found) for platform, found in served.items()}
        _provision(made, flows, options)
        if flows is not None:
            hooks = "FROM flows_subscription s JOIN credentials_connection c ON c.id = s.connection_id"
            active = "COUNT(*) > 0 AND COUNT(*) = SUM(CASE WHEN s.status = 'active' THEN 1 ELSE 0 END)"
            made.wait_for(f"SELECT {active} {hooks} WHERE c.organization_id = {{organization}}", 90)
        yield made
    finally:
        _close(made)
        for found in served.values():
            found.stop()


def _provision(made: Company, flows: str | None, options: str) -> None:
    text = [f'[[organizations]]\nname = "{made.name}"\nslug = "acme"\ncontacts = ["books@{made.slug}.test"]\n']
    text += [_person(made, role, [role]) for role in ROLES]
    text += [_person(made, "everything", list(ROLES)), _person(made, "root", [], superuser=True)]
    if flows is not None:
        text += [connection(platform, sandbox, {}) for platform, sandbox in made.sandboxes.items()]
        text.append(flows.format(poll=0, options=options))
    made.house.shell(ONE_HASH)
    run_provision(made.house, made.directory / f"{made.slug}.toml", "\n".join(text).replace('"acme"', f'"{made.slug}"'))
    if flows is not None:
        made.house.shell(SUBSCRIBE.replace("objects.all()", f"objects.filter(organization__slug={made.slug!r})"))


def _person(made: Company, name: str, roles: list[str], *, superuser: bool = False) -> str:
    return (
        f'[[users]]\nusername = "{made.user(name)}"\nemail = "{made.user(name)}@shop.test"\npassword = "{PASSWORD}"\n'
        f'organizations = ["acme"]\nroles = {json.dumps(roles)}\nsuperuser = {json.dumps(superuser)}\n'
    )


def _close(made: Company) -> None:
    """Nothing of it is tried again once its sandboxes are gone."""
    mine = "WHERE organization_id = {organization} RETURNING id"
    made.query(f"UPDATE flows_flow SET enabled = FALSE {mine}")
    made.query(f"UPDATE credentials_connection SET status = 'paused' {mine}")
