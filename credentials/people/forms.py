"""The forms of people: logging in, codes, joining, one's own name, new tokens."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import password_validators_help_text_html, validate_password
from django.core.exceptions import ValidationError

from credentials.access import visible_organizations
from credentials.models import Organization
from credentials.people.logging_in import checked_login, given_name
from credentials.people.tokens import IN_WORDS, Scope


class LoginForm(AdminAuthenticationForm):
    """Django's, behind the count of tries."""

    error_messages = {
        **AdminAuthenticationForm.error_messages,
        "invalid_login": "Please enter the correct username and password. Mind capital and small letters.",
    }

    def clean(self) -> dict[str, Any]:
        if self.request is None or not (self.cleaned_data.get("username") and self.cleaned_data.get("password")):
            return super().clean()
        self.cleaned_data["username"] = given_name(self.cleaned_data["username"])
        return checked_login(self.request, self.cleaned_data["username"], super().clean)


class CodeForm(forms.Form):
    """What the phone shows, or a recovery code."""

    code = forms.CharField(
        max_length=40, widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "text", "autofocus": True})
    )


class NameForm(forms.ModelForm):  # type: ignore[type-arg]
    """What colleagues read."""

    class Meta:
        model = User
        fields = ("first_name", "last_name")


class JoinForm(forms.Form):
    """The account of somebody who was invited."""

    name = forms.CharField(label="Your name", max_length=200, widget=forms.TextInput(attrs={"autocomplete": "name"}))
    password = forms.CharField(strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}))
    again = forms.CharField(label="Password again", strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}))

    def __init__(self, *args: Any, email: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.email = email
        self.fields["password"].help_text = password_validators_help_text_html()

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        password = self.cleaned_data.get("password", "")
        if password and password != self.cleaned_data.get("again"):
            self.add_error("again", "The two passwords differ.")
        if password:
            try:
                validate_password(password, User(username=self.email, email=self.email, first_name=self.cleaned_data.get("name", "")))
            except ValidationError as wrong:
                self.add_error("password", wrong)
        return cleaned


class TokenForm(forms.Form):
    """A new token of the API."""

    name = forms.CharField(max_length=60, help_text="What uses it, like: month-end script. The audit names it.")
    organization: forms.ModelChoiceField[Organization] = forms.ModelChoiceField(Organization.objects.none(), empty_label=None)
    scopes = forms.MultipleChoiceField(
        label="It may", choices=[(scope.value, IN_WORDS[scope]) for scope in Scope], widget=forms.CheckboxSelectMultiple
    )
    days = forms.TypedChoiceField(
        label="Good for", coerce=int, initial=90, choices=[(7, "a week"), (30, "a month"), (90, "three months"), (365, "a year")]
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["organization"]
        if isinstance(field, forms.ModelChoiceField):
            field.queryset = visible_organizations(user)
            field.initial = visible_organizations(user).first()
        self.initial.setdefault("scopes", [Scope.READ.value])
