"""Who we work for, who works with us, and which accounts we may use."""

from credentials.models.accounts import (
    Authorisation,
    Connection,
    Membership,
    Organization,
    RateBucket,
    Secret,
    new_inbox_token,
)
from credentials.models.people import Authenticator, Invitation, RecoveryCode, SignIn
from credentials.models.token import ApiToken

__all__ = [
    "ApiToken",
    "Authenticator",
    "Authorisation",
    "Connection",
    "Invitation",
    "Membership",
    "Organization",
    "RateBucket",
    "RecoveryCode",
    "Secret",
    "SignIn",
    "new_inbox_token",
]
