"""What Granian serves."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = get_wsgi_application()

from flows.watchdog import start_watchdog  # noqa: E402 - only once the applications are loaded

start_watchdog()
