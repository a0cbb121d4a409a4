"""Pages that people reach without being logged in: a link of an invitation, a forgotten password."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.models import User
from django.contrib.auth.views import PasswordResetConfirmView, PasswordResetView, redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from credentials.models import Invitation
from credentials.people.attempts import BY_ADDRESS, address_of, take
from credentials.people.ending import end_tokens
from credentials.people.forms import JoinForm
from credentials.people.inviting import Refused, accept, account_for, find, join
from credentials.people.logging_in import too_many
from credentials.people.pages import page
from credentials.people.passwords import ask_for_reset
from credentials.people.sign_ins import end_others
from credentials.people.told import tell_of
from credentials.tasks import ask_for_mail_reset

GONE = (
    "This link is not valid any more: it was used, withdrawn, or is older than a week, or whoever sent it may not invite any more. "
    "Ask for a new invitation."
)


@never_cache
@sensitive_post_parameters("password", "again")
@require_http_methods(["GET", "POST"])
def join_page(request: HttpRequest, token: str) -> HttpResponse:
    """Accept an invitation, with an account that is there already or a new one."""
    row = find(token)
    if row is None:
        return page(request, "joined.html", "Invitation", {"problem": GONE})
    person = account_for(row)
    return _with_account(request, row, person) if person is not None else _without(request, row)


def _with_account(request: HttpRequest, row: Invitation, person: User) -> HttpResponse:
    if not request.user.is_authenticated:
        return redirect_to_login(request.get_full_path(), reverse("admin:login"))
    if request.user.pk != person.pk:
        problem = f"This invitation is for {row.email}. Log out and log in with the account of that address, then open the link again."
        return page(request, "joined.html", "Invitation", {"problem": problem})
    if request.method == "GET":
        return page(request, "join.html", f"Work for {row.organization}", {"row": row})
    try:
        accept(row, person)
    except Refused as why:
        return page(request, "joined.html", "Invitation", {"problem": str(why)})
    messages.success(request, f"You work for {row.organization} now.")
    return redirect("admin:index")


def _without(request: HttpRequest, row: Invitation) -> HttpResponse:
    form = JoinForm(request.POST if request.method == "POST" else None, email=row.email)
    if form.is_bound and form.is_valid():
        try:
            join(row, form.cleaned_data["name"], form.cleaned_data["password"])
        except Refused as why:
            return page(request, "joined.html", "Invitation", {"problem": str(why)})
        messages.success(request, f"Your account is ready. Log in as {row.email}.")
        return redirect("admin:login")
    return page(request, "join.html", f"Work for {row.organization}", {"row": row, "form": form})


class ForgottenPassword(PasswordResetView):
    """Django's page, which says the same whether or not there is an account; a worker mails the link."""

    def form_valid(self, form: Any) -> HttpResponse:
        wait = ask_for_reset(self.request, form.cleaned_data["email"], ask_for_mail_reset)
        if wait:
            form.add_error("email", too_many(wait))
            return self.form_invalid(form)
        return HttpResponseRedirect(str(self.get_success_url()))


@method_decorator(sensitive_post_parameters(), name="dispatch")
class NewPassword(PasswordResetConfirmView):
    """Django's page behind the link; every browser is logged out, every token of the API ends. Tries with made-up links are counted."""

    def dispatch(self, *args: Any, **kwargs: Any) -> HttpResponseBase:
        wait = take("reset-link", address_of(self.request), BY_ADDRESS)
        if wait:
            answer = page(self.request, "joined.html", "New password", {"problem": too_many(wait)})
            answer.status_code = 429
            return answer
        return super().dispatch(*args, **kwargs)

    def form_valid(self, form: Any) -> HttpResponse:
        answer = super().form_valid(form)
        end_others(form.user, None)
        ended = end_tokens(form.user, form.user.get_username())
        told = f"A new password was chosen by a mailed link; all browsers were logged out, {ended} API token(s) revoked."
        tell_of(form.user, "reset password", told)
        return answer
