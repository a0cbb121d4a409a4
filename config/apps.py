"""The console: commands, supervisor, demo and doctor live here, above everything else."""

from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    name = "config"
    verbose_name = "Console"

    def ready(self) -> None:
        import config.celery  # noqa: F401 - so that shared tasks ring this application's bell
