"""The form of an alert recipient: addresses are checked, web addresses and secrets go in and never come out."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from audit.console.generics import AnyForm
from credentials.fields import is_readable
from credentials.setting_fields import secret_field
from flows.alerting.checking import wrong_with_mail, wrong_with_secret, wrong_with_web
from flows.models import AlertTarget

_KEPT = "It is encrypted and not shown again; left empty, the stored one stays."
# What the address is called for each kind, and what belongs there. The add form's script shows those of the kind that is chosen.
_WHERE = {
    AlertTarget.Kind.EMAIL: ("E-mail addresses", "Several are separated by commas. Empty: the contacts on the organization's page."),
    AlertTarget.Kind.SLACK: (
        "Web address of the channel",
        f"Slack calls it an incoming webhook: https://hooks.slack.com/services/... {_KEPT}",
    ),
    AlertTarget.Kind.WEBHOOK: ("Web address of your program", f"Where it listens: https://... {_KEPT}"),
}
_SIGNED = (
    "For a webhook only: each message is signed with it (HMAC-SHA256), so that your program knows that it is ours. "
    "Any long random text; enter the same one there."
)


class TargetForm(AnyForm):
    """address and secret are no model fields here: what is stored must not fill the page."""

    address = forms.CharField(
        required=False,
        max_length=1000,
        label="Where to",
        help_text=" ".join(f"{label}: {said}" for label, said in _WHERE.values()),
        widget=forms.TextInput(attrs={"autocomplete": "off", "data-of-kinds": json.dumps(_WHERE)}),
    )
    secret = secret_field("Signing secret", _SIGNED, is_stored=False)

    class Meta:
        model = AlertTarget
        fields = ("organization", "label", "kind", "errors", "warnings", "tell_end", "digest_hour", "enabled")
        help_texts = {
            "label": "What you call it, like: the bookkeepers' channel.",
            "tell_end": "Once more when the cause is gone, where it was told at once.",
            "digest_hour": "0 to 23. One message a day with what is open and what has ended; none when there is nothing.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        stored = self.instance
        if stored.pk and "address" in self.fields:
            self.fields["address"].label, self.fields["address"].help_text = _WHERE[AlertTarget.Kind(stored.kind)]
        elif not stored.pk:
            self.initial.setdefault("kind", AlertTarget.Kind.EMAIL)
        if stored.pk and "secret" in self.fields:
            self.fields["secret"] = secret_field("Signing secret", _SIGNED, is_stored=bool(stored.secret))
        shown = stored.pk and stored.kind == AlertTarget.Kind.EMAIL and is_readable(stored.address)
        self.initial.update(address=str(stored.address) if shown else "", secret="")

    def clean_digest_hour(self) -> int:
        hour = int(self.cleaned_data["digest_hour"])
        if hour > 23:
            raise ValidationError("An hour of the day is 0 to 23.")
        return hour

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        kind = self.cleaned_data.get("kind") or self.instance.kind
        check = self._clean_mail if kind == AlertTarget.Kind.EMAIL else self._clean_web
        check(self.cleaned_data.get("address", "").strip(), self.cleaned_data.get("secret", "").strip(), kind)
        return cleaned

    def _clean_mail(self, address: str, _secret: str, _kind: str) -> None:
        lines = [part.strip() for part in address.replace(",", "\n").splitlines() if part.strip()]
        for line in lines:
            self._refuse("address", wrong_with_mail(line))
        self.cleaned_data["address"] = ", ".join(lines)

    def _clean_web(self, address: str, secret: str, kind: str) -> None:
        if address:
            self._refuse("address", wrong_with_web(address))
        elif not self.instance.address:
            self.add_error("address", "Enter the address to post to.")
        self.cleaned_data |= {"address": address or self.instance.address, "secret": secret or self.instance.secret}
        if kind != AlertTarget.Kind.WEBHOOK:
            return
        if secret:
            self._refuse("secret", wrong_with_secret(secret))
        elif not secret and not self.instance.secret:
            self.add_error("secret", "A webhook is signed: enter a secret, the same one as at its receiver.")

    def _refuse(self, field: str, problem: str) -> None:
        if problem:
            self.add_error(field, problem)
