"""The guide for operators inside the console: its pages and pictures by name, and which of them is about which part of the console."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from django.conf import settings
from django.urls import reverse
from django.utils.safestring import SafeString

from audit.console.prose import as_html
from connectors.registry import all_connectors, guide_file

FIRST = ""  # the name of the page that the others are linked from
# Which page of the guide is about which pages of the console: by the beginning of their names, the longest one decides.
ABOUT: Mapping[str, str] = {
    "admin:index": FIRST,
    "admin:set-up": "setting-up",
    "admin:find": "one-order",
    "admin:flows_syncrecord": "one-order",
    "admin:flows_syncjob": "one-order",
    "admin:flows_syncjob_changelist": "many-orders",
    "admin:flows_flow_plan": "one-order#the-buttons",
    "admin:flows_bulkrun": "many-orders",
    "admin:flows_flow_travel": "many-orders#time-travel",
    "admin:flows_itemmapping": "mappings#articles",
    "admin:flows_itemmapping_import": "mappings#from-and-to-a-spreadsheet",
    "admin:flows_valuemapping": "mappings#taxes-ways-to-pay-statuses-accounts",
    "admin:flows_valuemapping_import": "mappings#from-and-to-a-spreadsheet",
    "admin:flows_fieldmapping": "mappings#further-fields",
    "admin:flows_fieldmapping_import": "mappings#from-and-to-a-spreadsheet",
    "admin:flows_comparison": "reconciliation",
    "admin:flows_comparison_mail": "reconciliation#the-result-by-mail",
    "admin:audit_alert": "alerts",
    "admin:flows_alerttarget": "alerts",
    "admin:audit_auditrecord": "audit",
    "admin:audit_auditseal": "audit#the-proof",
    "admin:flows_subscription": "webhooks-and-schedules",
    "admin:flows_backfill": "webhooks-and-schedules#reading-a-period-again",
    "admin:flows_flow_backfill": "webhooks-and-schedules#reading-a-period-again",
    "admin:credentials_organization": "people",
    "admin:credentials_membership": "people",
    "admin:credentials_invitation": "people#inviting-and-leaving",
    "admin:credentials_apitoken": "tokens",
    "account:new-token": "tokens",
    "account:": "people#your-own-account",
    "account:set-up-second-factor": "people#the-second-factor",
    "account:new-codes": "people#the-second-factor",
    "account:remove-second-factor": "people#the-second-factor",
}


@dataclass(frozen=True, slots=True)
class GuidePage:
    """name: its address below the guide's own."""

    name: str
    path: Path

    @property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @property
    def title(self) -> str:
        return self.text.partition("\n")[0].lstrip("# ")

    @property
    def url(self) -> str:
        return reverse("admin:guide-page", args=[self.name]) if self.name else reverse("admin:guide")


@cache
def guide_pages() -> Mapping[str, GuidePage]:
    """Those for operators, what they lead to for whoever wants to know more, and the platforms' own."""
    docs = settings.BASE_DIR / "docs"
    files = {FIRST if path.stem == "README" else path.stem: path for path in sorted((docs / "operators").glob("*.md"))}
    files |= {f"more/{name}": docs / f"{name}.md" for name in ("alerts", "api", "audit")}
    files |= {f"platforms/{name}": guide_file(name) for name in all_connectors()}
    return {name: GuidePage(name, path) for name, path in files.items() if path.is_file()}


@cache
def guide_pictures() -> Mapping[str, Path]:
    return {path.name: path for path in (settings.BASE_DIR / "docs" / "operators" / "pictures").glob("*.png")}


def contents() -> list[GuidePage]:
    """The pages for operators in the order in which the first one names them."""
    first = guide_pages()[FIRST]
    names = dict.fromkeys(re.findall(r"\]\(([\w-]+)\.md\)", first.text))
    return [first, *(guide_pages()[name] for name in names)]


def platform_guide(platform: str) -> str:
    """The address of a platform's own page; "" where it has none."""
    page = guide_pages().get(f"platforms/{platform}")
    return page.url if page else ""


def how_to_connect(text: str) -> str:
    """Of a platform's page the part that somebody needs who enters its keys: its first section but its tables of names, or all of it."""
    found = re.search(r"^## [^\n]*(?:Connecting|Setting it up)[^\n]*\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    return re.sub(r"^\| setting \|.*?(?=^[^|]|\Z)", "", found[1], flags=re.MULTILINE | re.DOTALL).strip() if found else text


def shown(page: GuidePage, below: int = 0) -> SafeString:
    return as_html(page.text, below, partial(address_of, page))


def address_of(page: GuidePage, target: str) -> str:
    """Where a link or picture on the page leads; "" for what only the repository has."""
    file, _, anchor = target.partition("#")
    path = Path(os.path.normpath(page.path.parent / file)) if file else page.path
    if guide_pictures().get(path.name) == path:
        return reverse("admin:guide-picture", args=[path.name])
    url = next((one.url for one in guide_pages().values() if one.path == path), "")
    return f"{url}#{anchor}" if url and anchor else url


def guide_about(view: str) -> tuple[GuidePage, str] | None:
    """The page of the guide about this page of the console, and its address."""
    names = [beginning for beginning in ABOUT if view.startswith(beginning)]
    if not names:
        return None
    name, _, anchor = ABOUT[max(names, key=len)].partition("#")
    page = guide_pages()[name]
    return page, f"{page.url}#{anchor}" if anchor else page.url
