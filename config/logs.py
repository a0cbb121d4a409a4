"""Log lines: plain for people or JSON for machines, bound to the job, event and connection that they are about, never with a secret."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

import structlog
from django.core.exceptions import ImproperlyConfigured

FORMATS = ("plain", "json")
LONGEST = 16_000  # characters of one text


def redacted(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Whatever is logged passes the redaction of the audit: also trace-backs, and values that somebody bound."""
    from audit.redaction import redact, redact_text

    for name, value in line.items():
        if isinstance(value, str):
            line[name] = "\n".join(redact_text(part) for part in value[:LONGEST].split("\n"))
        elif not isinstance(value, (int, float, bool, type(None))):
            line[name] = redact({name: value})[name]
    return line


def plain(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> str:
    """time LEVEL name: message [what it is about], then the trace-back."""
    at, level, name, message = (str(line.pop(part, "")) for part in ("timestamp", "level", "logger", "event"))
    trace = line.pop("exception", "")
    about = " ".join(f"{key}={value}" for key, value in line.items() if value is not None)
    return f"{at} {level.upper()} {name}: {message}{f' [{about}]' if about else ''}{f'{chr(10)}{trace}' if trace else ''}"


def logging_settings(level: str, form: str) -> dict[str, Any]:
    """Django's LOGGING: everything that Python's logging takes goes through structlog's processors."""
    if form not in FORMATS:
        raise ImproperlyConfigured(f"LOG_FORMAT is {form!r}; it must be plain or json.")
    before: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    last: Any = plain if form == "plain" else structlog.processors.JSONRenderer(default=str)
    after: list[Any] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta, redacted, last]
    made = {"()": structlog.stdlib.ProcessorFormatter, "processors": after, "foreign_pre_chain": before}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": made},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": level},
        # Django's own handlers of "django" know nothing of the redaction: its lines go to the root's alone.
        "loggers": {"django": {"handlers": []}, "django.request": {"level": "ERROR"}, "urllib3": {"level": "ERROR"}},
    }
