#!/usr/bin/env python
"""Tillbridge's commands; `manage.py help` lists them."""

import os
import sys

from config.firstrun import prepare, tell_settings_failure


def main() -> None:
    """Prepare the environment, read the settings, run the command."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    prepare(sys.argv, os.environ)

    from django.conf import settings
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        settings.INSTALLED_APPS  # noqa: B018 - reads the settings, so that what is wrong there is told in a sentence
    except (ImproperlyConfigured, ValueError) as error:
        sys.exit(tell_settings_failure(sys.argv, error))
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
