"""Who we work for (Organization) and which accounts we may use (Connection with its secrets)."""

from __future__ import annotations

import secrets
import uuid

from django.conf import settings
from django.db import models

from credentials.fields import EncryptedTextField


def new_inbox_token() -> str:
    """An unguessable part of a webhook address."""
    return secrets.token_urlsafe(24)


class Organization(models.Model):
    """A business whose books we keep up. Everything else belongs to exactly one."""

    name = models.CharField(max_length=120, unique=True)
    slug = models.SlugField(max_length=60, unique=True)
    contacts = models.TextField(blank=True, help_text="E-mail addresses that alerts go to, one per line.")
    require_second_factor = models.BooleanField(
        "require a second factor",
        default=False,
        help_text="Everybody who works for it sets up a code on the phone right after logging in, and can do nothing before.",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """A person works for an organization. What they may do comes from their groups (roles)."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="memberships")

    class Meta:
        verbose_name = "member"
        constraints = [models.UniqueConstraint(fields=["user", "organization"], name="one_membership")]

    def __str__(self) -> str:
        return f"{self.user} at {self.organization}"


class Connection(models.Model):
    """One authorised account on one platform."""

    class Status(models.TextChoices):
        NEW = "new", "not connected yet"
        ACTIVE = "active", "active"
        REAUTHORISE = "reauthorise", "needs reauthorisation"
        PAUSED = "paused", "paused"
        ENDED = "ended", "disconnected by the platform"

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="connections")
    platform = models.CharField(max_length=40)
    label = models.CharField("name", max_length=120)
    base_url = models.URLField(max_length=300, blank=True)
    urls = models.JSONField(default=dict, blank=True, help_text="Addresses that differ from the platform's own, by name.")
    ids = models.JSONField(default=dict, blank=True, help_text="What the platform calls this account.")
    settings = models.JSONField(default=dict, blank=True)
    learned = models.JSONField(default=dict, blank=True, editable=False)
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.NEW)
    status_reason = models.CharField(max_length=300, blank=True)
    time_zone = models.CharField(max_length=60, default="UTC")
    currency = models.CharField(max_length=3, blank=True)
    inbox_token = models.CharField(max_length=60, default=new_inbox_token, unique=True, editable=False)
    reenable_subscriptions = models.BooleanField(
        default=False, help_text="Switch webhooks on again by ourselves when the platform switched them off."
    )
    token_expires_at = models.DateTimeField(null=True, blank=True, editable=False)
    refresh_expires_at = models.DateTimeField(null=True, blank=True, editable=False)
    checked_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("organization_id", "label")
        constraints = [models.UniqueConstraint(fields=["organization", "label"], name="one_label_per_organization")]

    def __str__(self) -> str:
        return self.label


class Secret(models.Model):
    """One secret of a connection ("consumer_secret", "refresh_token"). Its identity is inside the encrypted payload."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="secrets")
    name = models.CharField(max_length=60)
    value = EncryptedTextField()
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["connection", "name"], name="one_secret_per_name")]

    def __str__(self) -> str:
        return f"{self.name} of {self.connection_id}"


class Authorisation(models.Model):
    """A hand-shake under way: the browser left for the platform with this state. Single use, bound to the session."""

    state_hash = models.CharField(max_length=64, unique=True)
    session_hash = models.CharField(max_length=64)
    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="authorisations")
    kind = models.CharField(max_length=20)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.kind} of {self.connection_id}"


class RateBucket(models.Model):
    """The rate limit of one connection when no Redis answers: when the next call would be due, and how long all calls rest.

    Both are seconds since 1970, as the bucket in Redis keeps them.
    """

    key = models.CharField(max_length=60, unique=True)
    due = models.FloatField(default=0)
    rest_until = models.FloatField(default=0)

    def __str__(self) -> str:
        return self.key
