"""An organization with people and two sandboxes, but nothing connected: where a bookkeeper begins."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests
from django.test import Client
from django.urls import reverse

from connectors.kit.sandbox import Served, serve
from connectors.registry import get_connector
from credentials.models import Connection, Organization
from flows.models import SetUp
from tests import factories as make

CHANGING = ("POST ", "PUT ", "PATCH ", "DELETE ")


@dataclass
class Ground:
    """The sandboxes and the people: a bookkeeper, one who is also an owner, and support."""

    organization: Organization
    shop: Served
    books: Served
    both: Client
    bookkeeper: Client
    support: Client
    stranger: Client

    def place(self, count: int) -> list[dict[str, Any]]:
        return list(self.shop.sandbox.command("place_orders", {"count": count, "seed": 3})["orders"])

    def row(self) -> SetUp:
        return SetUp.objects.get()

    def step(self, name: str) -> str:
        return reverse("admin:set-up-step", args=[self.row().pk, name])

    def begin(self, client: Client | None = None, recipe: str = "order_to_invoice") -> SetUp:
        ends = {"source": "woocommerce", "destination": "freshbooks", "recipe": recipe, "organization": self.organization.pk}
        answer = (client or self.both).post(reverse("admin:set-up"), ends)
        assert answer.status_code == 302, answer.context["form"].errors
        return self.row()

    def connect_shop(self) -> None:
        """Make the connection and type its keys in."""
        wanted = self._spec("woocommerce", self.shop)
        self.both.post(self.step("source"), {"do": "new", "label": "Tea shop", "base_url": wanted["base_url"]})
        keys = {f"secret_{name}": value for name, value in wanted["secrets"].items()}
        answer = self.both.post(
            self.step("source"), {"do": "save", "base_url": wanted["base_url"], "setting_auth": "auto", "urls": "{}", **keys}
        )
        assert answer.status_code == 302, answer.context["form"].errors

    def connect_books(self) -> Any:
        """The same, with a sign-in at the sandbox; the answer is the page where the browser comes back."""
        wanted = self._spec("freshbooks", self.books)
        self.both.post(self.step("destination"), {"do": "new", "label": "Books"})
        typed = {
            "secret_client_id": wanted["secrets"]["client_id"],
            "secret_client_secret": wanted["secrets"]["client_secret"],
            "urls": str(dict(wanted["urls"])).replace("'", '"'),
            "setting_settle_seconds": "1",
            "setting_payment_type": "Other",
            "setting_rate_per_second": "5000",
            "setting_rate_burst": "5000",
        }
        left = self.both.post(self.step("destination"), {"do": "sign-in", **typed})
        assert left.status_code == 200, left.headers
        there = requests.get(left.headers["Refresh"].removeprefix("0;url="), allow_redirects=False, timeout=10)
        back = urlsplit(there.headers["Location"])
        answer = self.both.get(f"{back.path}?{back.query}")
        if answer.headers["Location"].endswith("/account/"):
            page = self.both.get(answer.headers["Location"])
            usable = next(key for key, candidate in page.context["candidates"] if not candidate.refusal)
            answer = self.both.post(answer.headers["Location"], {"account": usable})
        return answer

    def _spec(self, platform: str, served: Served) -> Any:
        spec = get_connector(platform).sandbox
        assert spec is not None
        return spec.connection(served.url)

    def to(self, name: str) -> None:
        """Walk to a step with what is proposed."""
        if not SetUp.objects.exists():
            self.begin()
        self.connect_shop()
        self.connect_books()
        self.both.post(self.step("destination"), {"do": "go-on"})
        self.both.post(self.step("test"), {"do": "test"})
        self.both.post(self.step("test"), {"do": "go-on"})
        for step in ("options", "mappings", "trial", "start"):
            if step == name:
                return
            self.both.post(self.step(step), self.shown(self.both, step))

    def shown(self, client: Client, step: str) -> dict[str, Any]:
        """The form of a step as the page fills it in."""
        context = client.get(self.step(step)).context
        if step == "mappings":
            shown = [one for group in context["groups"] for one in group.proposals]
            was = {f"was:{one.kind}:{one.source}": one.held for one in shown}
            return {**was, **{f"{one.kind}:{one.source}": one.value for one in shown}}
        if step == "trial":
            return {"do": "go-on"}
        form = context["form"]
        values = {name: form.get_initial_for_field(field, name) for name, field in form.fields.items()}
        return {name: value for name, value in values.items() if value not in (None, False)}

    def connections(self) -> list[str]:
        return list(Connection.objects.values_list("label", flat=True))

    @contextmanager
    def untouched(self) -> Iterator[None]:
        """Whatever happens inside changes nothing at either side."""
        for side in (self.shop, self.books):
            side.sandbox.command("forget", {})
        yield
        for side in (self.shop, self.books):
            assert [name for name in side.sandbox.counters if name.startswith(CHANGING) and "token" not in name] == []


@contextmanager
def ground(public_url: str) -> Iterator[Ground]:
    with ExitStack() as stack:
        served = {}
        for name, switches in (("woocommerce", {"seed": 7}), ("freshbooks", {"seed": 7, "auto_consent": True})):
            spec = get_connector(name).sandbox
            assert spec is not None
            served[name] = serve(spec.build, switches)
            stack.callback(served[name].stop)
        mine = make.OrganizationFactory(name="Teas", slug="teas")
        people = {
            "both": make.person("ann", mine, roles=("bookkeeper", "owner")),
            "bookkeeper": make.person("ben", mine, roles=("bookkeeper",)),
            "support": make.person("sue", mine, roles=("support",)),
            "stranger": make.person("eve", make.OrganizationFactory(), roles=("bookkeeper", "owner")),
        }
        clients = {name: Client() for name in people}
        for name, client in clients.items():
            client.force_login(people[name])
        yield Ground(mine, served["woocommerce"], served["freshbooks"], **clients)
