"""The form of a connection: its own fields, its connector's settings, and secrets that go in and never come out."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.validators import URLValidator

from audit.console.generics import AnyForm
from connectors.registry import all_connectors
from credentials.accounts import connector_of
from credentials.grants import SCOPES
from credentials.models import Connection, Secret
from credentials.setting_fields import collect, field_of, open_settings_of, secret_field, secrets_of
from credentials.tokens import forget_copies
from credentials.vault import forget, set_secrets

SECRET, SETTING = "secret_", "setting_"
TOKENS = ("access_token", "refresh_token")
# The same words for those who may change them and for those who only read.
LABELS = {"base_url": "Address", "reenable_subscriptions": "Re-enable webhooks by itself", "urls": "Other addresses"}
HELP = {"reenable_subscriptions": "When the platform has switched webhooks off, Tillbridge switches them on again."}


class AddressField(forms.URLField):
    """Where a platform answers: nothing else than the web."""

    default_validators = [URLValidator(schemes=["https", "http"])]

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"label": "Address", "max_length": 300, "assume_scheme": "https", **kwargs})


class NewConnectionForm(AnyForm):
    """The first step: which platform, which shop."""

    platform = forms.ChoiceField()
    base_url = AddressField(required=False, help_text="Of the shop, as its visitors see it: https://shop.example")

    class Meta:
        model = Connection
        fields = ("organization", "platform", "label", "base_url")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if isinstance(field := self.fields.get("platform"), forms.ChoiceField):
            field.choices = [(name, connector.label) for name, connector in all_connectors().items()]
        without = sorted(connector.label for connector in all_connectors().values() if not connector.addressed)
        self.fields["base_url"].help_text += f". Leave it empty for {', '.join(without[:-1])} and {without[-1]}."

    def clean_base_url(self) -> str:
        return checked_address(self.cleaned_data["base_url"], self.cleaned_data.get("platform", ""))


def checked_address(address: str, platform: str) -> str:
    """As it was typed, where the platform has accounts at such addresses."""
    connector = all_connectors().get(platform)
    if address and connector is not None and (problem := connector.refuses(address)):
        raise forms.ValidationError(problem)
    return address


class ConnectionForm(AnyForm):
    """Settings and secrets of one connection; made by form_for, which adds its connector's fields."""

    base_url = NewConnectionForm.base_fields["base_url"]

    class Meta:
        model = Connection
        fields = ("label", "base_url", "reenable_subscriptions", "urls")
        labels, help_texts = LABELS, HELP

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._stored_addresses = (self.instance.base_url, dict(self.instance.urls))
        self._stored_settings = dict(self.instance.settings)
        if "base_url" in self.fields and not connector_of(self.instance).addressed:
            self.fields["base_url"].help_text = "Leave it empty: this platform has one address for everybody."
        if "urls" in self.fields:
            self.fields["urls"].show_hidden_initial = False  # changed_data would believe what the browser says it was

    def clean_base_url(self) -> str:
        return checked_address(self.cleaned_data["base_url"], self.instance.platform)

    def clean_urls(self) -> dict[str, str]:
        urls = self.cleaned_data["urls"] or {}
        if not isinstance(urls, dict) or not all(isinstance(v, str) and v.startswith(("https://", "http://")) for v in urls.values()):
            raise forms.ValidationError('Write addresses by name, like {"api": "https://..."}.')
        return {str(name): address for name, address in urls.items()}

    def clean(self) -> dict[str, Any] | None:
        """Stored keys never go to another address than the one that they were entered for."""
        cleaned = super().clean()
        if self._moves:
            for name in self._stored & set(self._secret_names):
                if not self.cleaned_data.get(SECRET + name):
                    self.add_error(SECRET + name, "The address changes: enter this again.")
        return cleaned

    @property
    def _moves(self) -> bool:
        """Whether the address that secrets are sent to changes."""
        return (self.cleaned_data.get("base_url", ""), self.cleaned_data.get("urls", {})) != self._stored_addresses

    @property
    def changes_way(self) -> bool:
        """Whether another way of authorising was chosen: then the page asks for other things."""
        connector = connector_of(self.instance)
        return connector.way(self._stored_settings)[0] != connector.way(self.instance.settings)[0]

    @property
    def _secret_names(self) -> list[str]:
        return [setting.name for setting in secrets_of(connector_of(self.instance), self._stored_settings)]

    @property
    def _stored(self) -> set[str]:
        return stored_names(self.instance)

    def save(self, commit: bool = True) -> Connection:
        settings = open_settings_of(connector_of(self.instance), self._stored_settings)
        self.instance.settings = collect(settings, self.cleaned_data, SETTING, self.instance.settings)
        saved: Connection = super().save(commit)
        return saved

    def save_secrets(self) -> bool:
        """Store what was typed in, and say whether anything was. What was given for another address is forgotten, also what another way
        of authorising left there; tokens that came in another way are forgotten too.
        """
        entered = {name: self.cleaned_data.get(SECRET + name) or "" for name in self._secret_names}
        if self._moves or self.changes_way:
            forget(self.instance, *(self._stored if self._moves else TOKENS))
            self.instance.ids = {name: value for name, value in self.instance.ids.items() if name != SCOPES}
            rows = Connection.objects.filter(pk=self.instance.pk)
            rows.update(token_expires_at=None, refresh_expires_at=None, ids=self.instance.ids)
            forget_copies()
        kept = {name: value.strip() for name, value in entered.items() if value.strip()}
        if kept:
            set_secrets(self.instance, kept)
        return bool(kept)


def stored_names(connection: Connection) -> set[str]:
    """The names of the secrets that are stored, in one query and without decrypting any."""
    return set(Secret.objects.filter(connection=connection).values_list("name", flat=True))


def form_for(connection: Connection) -> type[ConnectionForm]:
    """The form with the fields of this connection's connector."""
    connector, stored = connector_of(connection), stored_names(connection)
    typed = secrets_of(connector, connection.settings)
    fields: dict[str, Any] = {SECRET + s.name: secret_field(s.label, s.help, is_stored=s.name in stored) for s in typed}
    for setting in open_settings_of(connector, connection.settings):
        fields[SETTING + setting.name] = field_of(setting, connection.settings.get(setting.name))
    return type("ConnectionForm", (ConnectionForm,), fields)


def field_names(connection: Connection) -> tuple[list[str], list[str]]:
    """The names of the secret fields and of the setting fields."""
    connector, stored = connector_of(connection), connection.settings
    return [SECRET + s.name for s in secrets_of(connector, stored)], [SETTING + s.name for s in open_settings_of(connector, stored)]
