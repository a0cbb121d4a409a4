"""What we keep about a person's ways in: invitations, second factors, recovery codes, and where somebody is logged in."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from credentials.fields import EncryptedTextField
from credentials.models.accounts import Organization


def to_user(related_name: str = "", **options: Any) -> Any:
    """A reference to a person."""
    options = {"on_delete": models.CASCADE, "related_name": related_name or "+", **options}
    return models.ForeignKey(settings.AUTH_USER_MODEL, **options)


class Invitation(models.Model):
    """Somebody was asked by mail to work for an organization. Only a digest of the link is kept; roles are names of roles."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="invitations")
    email = models.EmailField("e-mail")
    roles = models.JSONField(default=list)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    invited_by = models.CharField(max_length=150, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(editable=False)
    accepted_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ("-id",)
        constraints = [
            models.UniqueConstraint(fields=["organization", "email"], condition=Q(accepted_at=None), name="one_open_invitation_per_address")
        ]

    def __str__(self) -> str:
        return f"invitation of {self.email}"


class Authenticator(models.Model):
    """The app on a person's phone that shows codes. key is what it was given; last_step the newest time step whose code was used."""

    user = to_user("authenticators")
    key = EncryptedTextField()
    last_step = models.BigIntegerField(default=-1)
    created_at = models.DateTimeField(auto_now_add=True)
    confirmed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user"], condition=Q(confirmed_at__isnull=False), name="one_authenticator_in_use"),
            models.UniqueConstraint(fields=["user"], condition=Q(confirmed_at=None), name="one_authenticator_being_set_up"),
        ]

    def __str__(self) -> str:
        return f"authenticator of {self.user}"


class RecoveryCode(models.Model):
    """A code that stands in for the phone, once. Only its digest is kept."""

    user = to_user("recovery_codes")
    digest = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "digest"], name="one_row_per_recovery_code")]

    def __str__(self) -> str:
        return f"recovery code of {self.user}"


class SignIn(models.Model):
    """A browser in which somebody is logged in, by the key of its session."""

    user = to_user("sign_ins")
    session_key = models.CharField(max_length=40, unique=True)
    address = models.CharField(max_length=45, blank=True)
    browser = models.CharField(max_length=200, blank=True)
    began_at = models.DateTimeField(auto_now_add=True)
    used_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.user} from {self.address}"
