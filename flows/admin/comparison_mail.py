"""Who is mailed the summary of the night's comparisons, and how often: one small form for each of the person's organizations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from audit.console.buttons import Said, tell
from audit.models import Outcome
from audit.services import write
from credentials.access import visible_organizations
from credentials.console import ScopedAdmin
from credentials.contacts import addresses_in
from credentials.models import Organization
from flows.comparisons.mailing import choose
from flows.models import ComparisonMail

Every = ComparisonMail.Every
AT_MOST = 100


class MailForm(forms.Form):
    """How often."""

    every = forms.ChoiceField(label="Mail the summary", choices=Every.choices)


@dataclass(frozen=True, slots=True)
class Wish:
    """What one organization chose."""

    organization: Organization
    form: MailForm
    contacts: tuple[str, ...]
    setting: ComparisonMail | None


def mail_view(page: ScopedAdmin, request: HttpRequest) -> HttpResponse:
    """Show the choices; take one of them (organization, every)."""
    if not page.has_add_permission(request):
        raise PermissionDenied
    organizations = list(visible_organizations(request.user).select_related("comparison_mail")[:AT_MOST])
    if request.method == "POST":
        return _chosen(request, organizations)
    context: dict[str, Any] = {**page.admin_site.each_context(request), "title": "Summary by mail", "opts": page.opts}
    return TemplateResponse(
        request, "admin/flows/comparison/mail.html", {**context, "wishes": [_wish(organization) for organization in organizations]}
    )


def _wish(organization: Organization) -> Wish:
    setting: ComparisonMail | None = getattr(organization, "comparison_mail", None)
    form = MailForm(initial={"every": setting.every if setting else Every.NEVER}, auto_id=f"id_%s_{organization.pk}")
    return Wish(organization, form, tuple(addresses_in(organization.contacts)), setting)


def _chosen(request: HttpRequest, organizations: list[Organization]) -> HttpResponse:
    organization = next((one for one in organizations if str(one.pk) == request.POST.get("organization")), None)
    form = MailForm(request.POST)
    if organization is None:
        raise Http404
    if form.is_valid():
        wish = choose(organization.pk, form.cleaned_data["every"])
        said = f"{organization}: the summary is mailed {wish.get_every_display()}."
        write(
            actor=request.user.get_username(),
            action="choose reconciliation mail",
            outcome=Outcome.DONE,
            organization_id=organization.pk,
            message=said,
        )
        tell(request, Said(said))
    else:
        tell(request, Said("Choose one of the offered times.", ok=False))
    return HttpResponseRedirect(reverse("admin:flows_comparison_mail"))
