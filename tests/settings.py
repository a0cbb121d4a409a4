"""Settings of the test suite: the real settings under a made-up environment. PostgreSQL and Redis are used when they answer
on their usual ports (or as DATABASE_URL and BROKER_URL say); TEST_SERVICES=none keeps to the embedded defaults.
"""

import atexit
import os
import shutil
import socket
import tempfile


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _remove(folder: str, owner: int) -> None:
    if os.getpid() == owner:  # a forked child must not take it away
        shutil.rmtree(folder, ignore_errors=True)


_services = os.environ.get("TEST_SERVICES", "auto") != "none"
os.environ.setdefault("ENV_FILE", "")  # a developer's own settings stay out of the tests
if "STATE_DIR" not in os.environ:  # the workers of pytest-xdist inherit it
    os.environ["STATE_DIR"] = tempfile.mkdtemp(prefix="tillbridge-tests-")
    atexit.register(_remove, os.environ["STATE_DIR"], os.getpid())
os.environ.setdefault("SECRET_KEY", "only-for-tests")
os.environ.setdefault("FERNET_KEYS", "only-for-tests-1")
os.environ.setdefault("ALLOW_PRIVATE_STORES", "true")
os.environ.setdefault("DATABASE_POOL_SIZE", "40")  # tests of races let many threads hold a connection each until all are there
if _services and _answers(5432):
    os.environ.setdefault("DATABASE_URL", "postgres://postgres@127.0.0.1:5432/postgres")
if _services and _answers(6379):
    os.environ.setdefault("BROKER_URL", "redis://127.0.0.1:6379/9")

from config.settings import *  # noqa: E402, F403

if DATABASES["default"]["ENGINE"].endswith("postgresql"):  # noqa: F405
    DATABASES["default"]["TEST"] = {"NAME": "test_tillbridge" + os.environ.get("TEST_SUFFIX", "")}  # noqa: F405

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
