"""The form of a connection: its own fields, its connector's settings, and secrets that go in and never come out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms

from audit.console.generics import AnyForm
from connectors.registry import all_connectors
from credentials.accounts import connector_of
from credentials.models import Connection, Secret
from credentials.setting_fields import collect, field_of, secret_field, secrets_of
from credentials.vault import forget, set_secrets

SECRET, SETTING = "secret_", "setting_"
TOKENS = ("access_token", "refresh_token")


class NewConnectionForm(AnyForm):
    """The first step: which platform, which shop."""

    platform = forms.ChoiceField()
    base_url = forms.URLField(
        label="Address",
        required=False,
        max_length=300,
        assume_scheme="https",
        help_text="Of the shop, as its visitors see it. Empty for platforms that have one address for everybody.",
    )

    class Meta:
        model = Connection
        fields = ("organization", "platform", "label", "base_url")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if isinstance(field := self.fields.get("platform"), forms.ChoiceField):
            field.choices = [(name, connector.label) for name, connector in all_connectors().items()]


class ConnectionForm(AnyForm):
    """Settings and secrets of one connection; made by form_for, which adds its connector's fields."""

    base_url = NewConnectionForm.base_fields["base_url"]

    class Meta:
        model = Connection
        fields = ("label", "base_url", "reenable_subscriptions", "urls")
        labels = {"reenable_subscriptions": "Re-enable webhooks by itself", "urls": "Other addresses"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._stored_addresses = (self.instance.base_url, dict(self.instance.urls))
        if "urls" in self.fields:
            self.fields["urls"].show_hidden_initial = False  # changed_data would believe what the browser says it was

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
    def _secret_names(self) -> list[str]:
        return [setting.name for setting in secrets_of(connector_of(self.instance))]

    @property
    def _stored(self) -> set[str]:
        return stored_names(self.instance)

    def save(self, commit: bool = True) -> Connection:
        settings = [setting for setting in connector_of(self.instance).settings if not setting.secret]
        self.instance.settings = collect(settings, self.cleaned_data, SETTING, self.instance.settings)
        saved: Connection = super().save(commit)
        return saved

    def save_secrets(self) -> None:
        """Store what was typed in; tokens that were given for another address are forgotten."""
        entered = {name: self.cleaned_data.get(SECRET + name) or "" for name in self._secret_names}
        if self._moves:
            forget(self.instance, *TOKENS)
        kept = {name: value.strip() for name, value in entered.items() if value.strip()}
        if kept:
            set_secrets(self.instance, kept)


def stored_names(connection: Connection) -> set[str]:
    """The names of the secrets that are stored, in one query and without decrypting any."""
    return set(Secret.objects.filter(connection=connection).values_list("name", flat=True))


def form_for(connection: Connection) -> type[ConnectionForm]:
    """The form with the fields of this connection's connector."""
    connector, stored = connector_of(connection), stored_names(connection)
    fields: dict[str, Any] = {SECRET + s.name: secret_field(s.label, s.help, is_stored=s.name in stored) for s in secrets_of(connector)}
    for setting in connector.settings:
        if not setting.secret:
            fields[SETTING + setting.name] = field_of(setting, connection.settings.get(setting.name))
    return type("ConnectionForm", (ConnectionForm,), fields)


def field_names(connection: Connection) -> tuple[list[str], list[str]]:
    """The names of the secret fields and of the setting fields."""
    connector = connector_of(connection)
    open_settings: Iterable[str] = (SETTING + s.name for s in connector.settings if not s.secret)
    return [SECRET + s.name for s in secrets_of(connector)], list(open_settings)
