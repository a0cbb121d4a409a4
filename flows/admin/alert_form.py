"""The form of an alert target: addresses are checked, web addresses and secrets go in and never come out."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from audit.console.generics import AnyForm
from connectors.kit.errors import NeedsAttention
from connectors.kit.network import check_url
from credentials.fields import is_readable
from credentials.setting_fields import secret_field
from flows.models import AlertTarget

SHORTEST_SECRET = 16
_ADDRESS = (
    "E-mail: addresses separated by commas, empty for the organization's contacts. "
    "Slack and webhooks: the address to post to; once stored it is not shown again, and left empty it stays."
)
_SECRET = "Signs a webhook's messages (HMAC-SHA256). Any long random text; enter the same one at the receiver."  # noqa: S105 - a help text


class TargetForm(AnyForm):
    """address and secret are no model fields here: what is stored must not fill the page."""

    address = forms.CharField(required=False, max_length=1000, help_text=_ADDRESS, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    secret = secret_field("Signing secret", _SECRET, is_stored=False)

    class Meta:
        model = AlertTarget
        fields = ("organization", "label", "kind", "errors", "warnings", "tell_end", "digest_hour", "enabled")
        help_texts = {
            "tell_end": "Once more when the cause is gone, where it was told at once.",
            "digest_hour": "0 to 23. One message a day with what is open and what has ended; none when there is nothing.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        stored = self.instance
        if stored.pk and "secret" in self.fields:
            self.fields["secret"] = secret_field("Signing secret", _SECRET, is_stored=bool(stored.secret))
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
            try:
                validate_email(line)
            except ValidationError:
                self.add_error("address", f"{line} is no e-mail address.")
        self.cleaned_data["address"] = ", ".join(lines)

    def _clean_web(self, address: str, secret: str, kind: str) -> None:
        if address:
            self._check_address(address)
        elif not self.instance.address:
            self.add_error("address", "Enter the address to post to.")
        self.cleaned_data |= {"address": address or self.instance.address, "secret": secret or self.instance.secret}
        if kind != AlertTarget.Kind.WEBHOOK:
            return
        if secret and len(secret) < SHORTEST_SECRET:
            self.add_error("secret", f"At least {SHORTEST_SECRET} characters, so that nobody guesses it.")
        elif not secret and not self.instance.secret:
            self.add_error("secret", "A webhook is signed: enter a secret, the same one as at its receiver.")

    def _check_address(self, address: str) -> None:
        private = bool(settings.ALLOW_PRIVATE_STORES)
        try:
            check_url(address, private)
        except NeedsAttention as problem:
            self.add_error("address", problem.message.removeprefix("The address was not called: ").split(". ")[0].capitalize() + ".")
            return
        if not address.startswith("https://") and not private:
            self.add_error("address", "Alerts go over https only.")
