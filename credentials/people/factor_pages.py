"""Pages of the second factor: set it up, give it at login, renew the recovery codes, remove it."""

from __future__ import annotations

import base64
import io

import qrcode
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods
from qrcode.image.svg import SvgPathImage

from credentials.models import Authenticator
from credentials.people.forms import CodeForm
from credentials.people.logging_in import checked_code
from credentials.people.middleware import GIVEN, missing_step
from credentials.people.pages import me, page
from credentials.people.second_factor import address_for_app, begin, confirm, in_use, remove, renew_codes, standing_of

WRONG = "That is not the code that the app shows now. Check that the phone's clock is right, and type the next one."


def picture(text: str) -> str:
    """A QR code as an image's address, white behind it so that phones read it in the dark theme too."""
    out = io.BytesIO()
    qrcode.make(text, image_factory=SvgPathImage, border=4).save(out)
    return f"data:image/svg+xml;base64,{base64.b64encode(out.getvalue()).decode()}"


@require_http_methods(["GET", "POST"])
def set_up(request: HttpRequest) -> HttpResponse:
    """Show the picture, take the first code, show the recovery codes."""
    person = me(request)
    if in_use().filter(user=person).exists():
        return redirect("account:own")
    form = CodeForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        codes = confirm(person, form.cleaned_data["code"])
        if codes is not None:
            _given(request)
            return page(request, "codes.html", "Your recovery codes", {"codes": codes, "next": _next(request)})
        form.add_error("code", WRONG)
    row = begin(person)
    address, key = address_for_app(row), str(row.key)
    shown = {"picture": picture(address), "address": address, "key": " ".join(key[at : at + 4] for at in range(0, len(key), 4))}
    context = {"form": form, "required": standing_of(person).required, "next": _next(request), **shown}
    return page(request, "set_up.html", "Set up a second factor", {**context, **_alone(request)})


@require_http_methods(["GET", "POST"])
def give_code(request: HttpRequest) -> HttpResponse:
    """The second step of logging in."""
    person = me(request)
    if not missing_step(request, person):
        return redirect(_next(request))
    form = CodeForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        wrong = checked_code(request, person, form.cleaned_data["code"])
        if not wrong:
            request.session.cycle_key()
            _given(request)
            return redirect(_next(request))
        form.add_error("code", wrong)
    return page(request, "code.html", "Your second factor", {"form": form, "next": _next(request), **_alone(request)})


@require_http_methods(["GET", "POST"])
def new_codes(request: HttpRequest) -> HttpResponse:
    """Ten new recovery codes for a code of the phone."""
    return _for_a_code(request, "renew.html", "New recovery codes")


@require_http_methods(["GET", "POST"])
def remove_factor(request: HttpRequest) -> HttpResponse:
    """Take it off for a code: whoever finds an open browser cannot."""
    return _for_a_code(request, "remove.html", "Remove the second factor")


def _for_a_code(request: HttpRequest, template: str, title: str) -> HttpResponse:
    person = me(request)
    if not in_use().filter(user=person).exists():
        return redirect("account:own")
    form = CodeForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        wrong = checked_code(request, person, form.cleaned_data["code"])
        if not wrong and template == "renew.html":
            return page(request, "codes.html", "Your recovery codes", {"codes": renew_codes(person), "next": ""})
        if not wrong:
            remove(person)
            messages.success(request, "The second factor was removed. Your password alone opens your account now.")
            return redirect("account:own")
        form.add_error("code", wrong)
    return page(request, template, title, {"form": form})


def _given(request: HttpRequest) -> None:
    used: Authenticator = in_use().get(user=me(request))
    request.session[GIVEN] = used.pk


def _next(request: HttpRequest) -> str:
    """Where the person was going; only to us."""
    asked = request.POST.get("next") or request.GET.get("next") or ""
    safe = url_has_allowed_host_and_scheme(asked, {request.get_host()}, require_https=request.is_secure())
    return asked if safe and asked.startswith("/") else "/admin/"


def _alone(request: HttpRequest) -> dict[str, object]:
    """Before the second factor the frame offers nothing but the way out."""
    return {"has_permission": False, "is_nav_sidebar_enabled": False, "available_apps": []} if missing_step(request, me(request)) else {}
