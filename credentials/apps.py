"""The credentials application."""

from django.apps import AppConfig


class CredentialsConfig(AppConfig):
    name = "credentials"
