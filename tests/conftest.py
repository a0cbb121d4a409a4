"""What every test needs."""

from tests.flush import allow_flush

allow_flush()
