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

from config.supervisor import processes, programs
from tests.journeys.traffic import SUBSCRIBE
from tests.journeys.world import FLOWS, World, connection, services_answer, world

PASSWORD = "a-long-password-of-tests"
ROLES = ("viewer", "bookkeeper", "support", "owner")
PLATFORMS = ("woocommerce", "freshbooks")


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
    with world(directory, services=services_answer(), environ=environ, platforms=()) as house:
        house.kill("sandbox")  # each company has its own
        for name in ("web", "worker", "beat"):
            house.start(name)
        house.wait("the console", lambda: _answers(house.url), 30)
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
    announced = directory / f"{made.slug}.json"
    sandbox = processes.start(programs.sandbox_program(announced, house.environ, *platforms), house.say)
    try:
        house.wait("sandboxes", announced.exists, 30)
        made.sandboxes = json.loads(announced.read_text())
        _provision(made, flows, options)
        if flows is not None:
            hooks = "FROM flows_subscription s JOIN credentials_connection c ON c.id = s.connection_id"
            active = "COUNT(*) > 0 AND COUNT(*) = SUM(CASE WHEN s.status = 'active' THEN 1 ELSE 0 END)"
            made.wait_for(f"SELECT {active} {hooks} WHERE c.organization_id = {{organization}}", 30)
        yield made
    finally:
        _close(made)
        processes.stop(sandbox, grace=3.0)


def _provision(made: Company, flows: str | None, options: str) -> None:
    text = [f'[[organizations]]\nname = "{made.name}"\nslug = "acme"\ncontacts = ["books@{made.slug}.test"]\n']
    text += [_person(made, role, [role]) for role in ROLES]
    text += [_person(made, "everything", list(ROLES)), _person(made, "root", [], superuser=True)]
    if flows is not None:
        text += [connection(platform, sandbox, {}) for platform, sandbox in made.sandboxes.items()]
        text.append(flows.format(poll=0, options=options))
    file = made.directory / f"{made.slug}.toml"
    file.write_text("\n".join(text).replace('"acme"', f'"{made.slug}"'))
    steps = f"from django.core.management import call_command\ncall_command('provision', {str(file)!r})\n"
    mine = SUBSCRIBE.replace("objects.all()", f"objects.filter(organization__slug={made.slug!r})") if flows is not None else ""
    made.house.manage("shell", "-v", "0", "-c", steps + mine)  # one process: starting them is what takes time here


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
