"""Buttons: what a person can do with a row beside editing it. Each is one POST, needs a permission and leaves a record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from django.contrib import messages
from django.http import HttpRequest

BULK_AT_MOST, REASON_LENGTH = 200, 300


@dataclass(frozen=True, slots=True)
class Said:
    """What came of pressing a button, for the person who did."""

    sentence: str
    ok: bool = True


def _always(_row: Any) -> bool:
    return True


def _nothing(_row: Any) -> str:
    return ""


@dataclass(frozen=True)
class Button:
    """permission as "app.codename". press(row, user name) does it and says what came of it. in_bulk: also an action of the list.

    asks, and besides(row): what is said before it is done ("" for what does no harm). why: the label of a reason that has to be given;
    press gets it as a third argument. records: whether the page writes the audit record; off where the service that is called writes its
    own.
    """

    name: str
    label: str
    permission: str
    press: Callable[..., Said]
    is_shown: Callable[[Any], bool] = _always
    in_bulk: bool = False
    records: bool = True
    asks: str = ""
    besides: Callable[[Any], str] = _nothing
    why: str = ""

    def about(self, row: Any) -> Button:
        """With all that is asked of this row."""
        return replace(self, asks=" ".join(filter(None, (self.asks, self.besides(row)))))

    def is_allowed(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm(self.permission))


def tell(request: HttpRequest, said: Said) -> None:
    """Show it on the next page."""
    messages.add_message(request, messages.SUCCESS if said.ok else messages.ERROR, said.sentence)
