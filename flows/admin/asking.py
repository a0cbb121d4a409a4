"""The page that asks before something is done: what will happen, a button that does it, a link that leaves it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

SURE = "sure"  # the field that says that a person read the question


@dataclass(frozen=True, slots=True)
class Question:
    """title: what is about to happen; facts: what comes of it, line by line; hidden: what the answer carries along; back: where "no"
    leads to, as (address, label).
    """

    title: str
    sentence: str
    button: str
    back: tuple[str, str]
    facts: tuple[str, ...] = ()
    hidden: tuple[tuple[str, str], ...] = ()


def ask(request: HttpRequest, site: AdminSite, question: Question) -> HttpResponse:
    """The answer is posted to the same address, with SURE."""
    context: dict[str, Any] = {**site.each_context(request), "title": question.title, "question": question, "sure": SURE}
    return TemplateResponse(request, "admin/flows/ask.html", context)


def is_sure(request: HttpRequest) -> bool:
    return request.method == "POST" and SURE in request.POST
