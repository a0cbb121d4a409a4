"""The console: commands, supervisor, demo and doctor live here, above everything else."""

from django.apps import AppConfig
from django.conf import settings
from django.contrib.admin.apps import AdminConfig


class ConsoleConfig(AppConfig):
    name = "config"
    verbose_name = "Console"

    def ready(self) -> None:
        import config.celery  # noqa: F401 - so that shared tasks ring this application's bell
        from config.sentry import start_sentry

        start_sentry(settings.SENTRY_DSN)


class ConsoleSiteConfig(AdminConfig):
    """Django's admin inside our frame."""

    default_site = "flows.site.ConsoleSite"
