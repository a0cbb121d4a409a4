"""The one place that reads the environment. Every variable is documented in .env.example."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

from config.databases import database_settings, worker_processes, worker_threads
from config.firstrun import GENERATED, embedded_broker_url
from config.logs import logging_settings

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

# The environment wins over the .env file, and that over the secrets made at the first run.
ENV_FILE = env.str("ENV_FILE", str(BASE_DIR / ".env"))
if ENV_FILE:
    environ.Env.read_env(ENV_FILE)
for _name in GENERATED:
    if not env.ENVIRON.get(_name):
        env.ENVIRON.pop(_name, None)  # left empty in .env: the generated ones count
# Where the embedded defaults keep their database, broker and generated secrets.
STATE_DIR = Path(env.str("STATE_DIR", str(BASE_DIR / ".tillbridge")))
environ.Env.read_env(STATE_DIR / "secrets.env")  # made by `make setup` or `manage.py up`


def _required(name: str, why: str) -> str:
    value: str = env.str(name, "")
    if not value:
        raise ImproperlyConfigured(f"{name} is not set: {why} `make setup` makes one for local use; see .env.example.")
    return value


SECRET_KEY = _required("SECRET_KEY", "it signs sessions.")
FERNET_KEYS = [key.strip() for key in _required("FERNET_KEYS", "it encrypts credentials.").split(",") if key.strip()]
DEBUG = env.bool("DEBUG", False)
PUBLIC_URL = env.str("PUBLIC_URL", "http://127.0.0.1:8000").rstrip("/")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]", urlsplit(PUBLIC_URL).hostname or "localhost"])
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
BEHIND_TLS = PUBLIC_URL.startswith("https://")
ALLOW_PRIVATE_STORES = env.bool("ALLOW_PRIVATE_STORES", False)

INSTALLED_APPS = [
    "config.apps.ConsoleConfig",
    "config.apps.ConsoleSiteConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_celery_beat",
    "rest_framework",
    "drf_spectacular",
    "audit",
    "counting",
    "credentials",
    "flows",
]
MIDDLEWARE = [
    "config.middleware.log_context",
    "config.middleware.bounded_body",
    "config.middleware.no_nul",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.middleware.content_security_policy",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "credentials.people.middleware.second_factor_gate",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
APPEND_SLASH = False  # a redirect on a webhook path swallows the event silently
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# ---- database, broker --------------------------------------------------------------------------------------
DATABASE_URL = env.str("DATABASE_URL", f"sqlite:///{STATE_DIR / 'tillbridge.sqlite3'}")
DATABASE_POOL_SIZE = env.int("DATABASE_POOL_SIZE", 16)
DATABASE_PGBOUNCER = env.bool("DATABASE_PGBOUNCER", False)
DATABASES = {"default": database_settings(DATABASE_URL, DATABASE_POOL_SIZE, pgbouncer=DATABASE_PGBOUNCER)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
BROKER_URL = env.str("BROKER_URL", embedded_broker_url(STATE_DIR))
BROKER_QUEUE = env.str("BROKER_QUEUE", "tillbridge")
LIMITER_URL = env.str("LIMITER_URL", BROKER_URL if BROKER_URL.startswith("redis") else "")

# ---- the worker --------------------------------------------------------------------------------------------
WORKER_PROCESSES = env.int("WORKER_PROCESSES", 0) or worker_processes(DATABASE_URL)
WORKER_THREADS = env.int("WORKER_THREADS", 0) or worker_threads(WORKER_PROCESSES)
LEASE_SECONDS = env.int("LEASE_SECONDS", 30)
HEARTBEAT_SECONDS = env.int("HEARTBEAT_SECONDS", 5)
SWEEP_SECONDS = env.float("SWEEP_SECONDS", 2.0)
MAX_BODY_BYTES = env.int("MAX_BODY_BYTES", 5 * 1024 * 1024)
CRASH_DIR = env.str("CRASH_DIR", "")  # fault tests only; see flows/crash_points.py
RETENTION_DAYS_EVENTS = env.int("RETENTION_DAYS_EVENTS", 90)
RETENTION_DAYS_AUDIT = env.int("RETENTION_DAYS_AUDIT", 2557)
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_BODY_BYTES

# ---- people ------------------------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "admin:login"
PASSWORD_RESET_TIMEOUT = 3600  # seconds
EMAIL_CONFIG = env.email_url("EMAIL_URL", default="consolemail://")
vars().update(EMAIL_CONFIG)
EMAIL_TIMEOUT = 10  # seconds; a person waits for an invitation to be sent
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", "tillbridge@localhost")
SERVER_EMAIL = DEFAULT_FROM_EMAIL

# ---- the browser -------------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "static"
WHITENOISE_USE_FINDERS = True
if not STATIC_ROOT.is_dir():  # without `collectstatic` the finders serve them; WhiteNoise need not warn in every process
    warnings.filterwarnings("ignore", message="No directory at", module="django.core.handlers.base")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = BEHIND_TLS
SESSION_COOKIE_HTTPONLY = True
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = 31536000 if BEHIND_TLS else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.bool("TRUST_PROXY", False) else None
X_FRAME_OPTIONS = "DENY"

# ---- logs --------------------------------------------------------------------------------------------------
LOG_LEVEL = env.str("LOG_LEVEL", "INFO")
LOG_FORMAT = env.str("LOG_FORMAT", "plain")
LOGGING = logging_settings(LOG_LEVEL, LOG_FORMAT)
METRICS_TOKEN = env.str("METRICS_TOKEN", "")
SENTRY_DSN = env.str("SENTRY_DSN", "")
REST_FRAMEWORK = {
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "UNAUTHENTICATED_USER": None,
    "DEFAULT_SCHEMA_CLASS": "flows.api.describing.DescribedSchema",
}
API_CALLS_PER_MINUTE = env.int("API_CALLS_PER_MINUTE", 300)
SPECTACULAR_SETTINGS = {
    "TITLE": "Tillbridge",
    "DESCRIPTION": "Shop orders in the books, exact and once. Each token acts for one person in one organization.",
    "VERSION": "1",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SERVE_INCLUDE_SCHEMA": False,
    "PREPROCESSING_HOOKS": ["flows.api.describing.only_the_api"],
    "ENUM_NAME_OVERRIDES": {
        "JobState": "flows.models.SyncJob.State",
        "LinkState": "flows.models.ExternalLink.State",
        "Outcome": "audit.models.Outcome",
    },
}
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
