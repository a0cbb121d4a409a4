"""One's own account: name, second factor, where one is logged in, tokens of the API."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.views.decorators.http import require_http_methods, require_POST

from credentials.access import visible_organizations
from credentials.models import ApiToken, SignIn
from credentials.people.forms import NameForm, TokenForm
from credentials.people.members import roles_of
from credentials.people.second_factor import standing_of
from credentials.people.sign_ins import end, end_others, sign_ins_of
from credentials.people.tokens import make_token, revoke
from credentials.people.told import tell_of


def me(request: HttpRequest) -> User:
    """Who is logged in; pages of accounts are behind the login."""
    if not isinstance(request.user, User):
        raise TypeError("this page is behind the login")
    return request.user


def page(request: HttpRequest, template: str, title: str, context: dict[str, Any]) -> TemplateResponse:
    """In the console's frame, never kept by the browser: some of them show what is shown once."""
    answer = TemplateResponse(request, f"admin/account/{template}", {**admin.site.each_context(request), "title": title, **context})
    answer.headers["Cache-Control"] = "no-store"
    return answer


@require_http_methods(["GET", "POST"])
def account(request: HttpRequest) -> HttpResponse:
    """What is known of oneself; the name can be changed."""
    person = me(request)
    form = NameForm(request.POST if request.method == "POST" else None, instance=person)
    if form.is_bound and form.is_valid():
        if form.has_changed():
            form.save()
            tell_of(person, "change name", f"{person.get_username()} is called {person.get_full_name() or '-'} now.")
        messages.success(request, "Saved.")
        return redirect("account:own")
    context = {
        "form": form,
        "roles": roles_of(person),
        "organizations": visible_organizations(person)[:50],
        "standing": standing_of(person),
        "codes_left": person.recovery_codes.count(),
        "sign_ins": sign_ins_of(person),
        "here": request.session.session_key,
        "tokens": person.api_tokens.filter(revoked_at=None).select_related("organization")[:50],
    }
    return page(request, "own.html", "Your account", context)


@require_POST
def end_session(request: HttpRequest) -> HttpResponse:
    """Log out one browser, or all but this one."""
    person, here = me(request), request.session.session_key
    if request.POST.get("which") == "others":
        ended = end_others(person, here)
    else:
        chosen = request.POST.get("which", "")
        rows = SignIn.objects.filter(user=person, pk=int(chosen)) if chosen.isdecimal() and len(chosen) < 19 else SignIn.objects.none()
        ended = end(person, rows.exclude(session_key=here))
    messages.success(request, f"Logged out of {ended} browser{'' if ended == 1 else 's'}.")
    return redirect("account:own")


@require_http_methods(["GET", "POST"])
def new_token(request: HttpRequest) -> HttpResponse:
    """Make a token of the API; its text is on the answer's page and nowhere else."""
    person = me(request)
    form = TokenForm(request.POST if request.method == "POST" else None, user=person)
    if form.is_bound and form.is_valid():
        asked = form.cleaned_data
        row, text = make_token(person, asked["organization"], asked["name"].strip(), asked["scopes"], asked["days"])
        return page(request, "token_made.html", "Your new token", {"token": row, "text": text})
    return page(request, "token_new.html", "New API token", {"form": form})


@require_POST
def revoke_token(request: HttpRequest, pk: int) -> HttpResponse:
    """Only one's own; owners revoke others' on the tokens' page."""
    row = get_object_or_404(ApiToken.objects.select_related("user"), pk=pk, user=me(request))
    if revoke(row, request.user.get_username()):
        messages.success(request, f"{row.name} is revoked: it is not accepted any more.")
    return redirect("account:own")
