"""Who asks, whether they may, how often, and how they are answered: what all addresses of the API share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from django.conf import settings
from django.db.models import QuerySet
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed, ParseError, PermissionDenied
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import JSONParser
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle
from rest_framework.viewsets import GenericViewSet

from credentials.buckets import Pace
from credentials.limits import take
from credentials.models import ApiToken
from credentials.people.tokens import NoEntry, Scope, recognise, signature_of
from flows.api.problems import answer_problem
from flows.models import Flow

BURST = 60  # requests that may come at once after a quiet time


class TokenEntry(BaseAuthentication):
    """Authorization: Bearer tbk_... and nothing else: a browser's session opens nothing here, so no other site can ask in its name."""

    def authenticate(self, request: Request) -> tuple[Any, ApiToken] | None:
        kind, _, text = get_authorization_header(request).decode("latin-1").partition(" ")
        if not kind:
            return None
        if kind.lower() != "bearer":
            raise AuthenticationFailed("Send the token as: Authorization: Bearer tbk_...")
        try:
            token = recognise(text.strip())
        except NoEntry as why:
            raise AuthenticationFailed(str(why)) from None
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the description names it."""

    target_class = "flows.api.entry.TokenEntry"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "A token of your account's page in the console."}


class Allowed(BasePermission):
    """The token's scope and its person's present roles: both must allow it."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if not isinstance(request.auth, ApiToken):
            return False
        scope, permission = view.needs.get(view.action) or view.needs["*"]
        if scope.value not in request.auth.scopes:
            raise PermissionDenied(f"This token is not made for that: it lacks the scope {scope.value}.")
        if not request.auth.user.has_perm(permission):
            raise PermissionDenied("The roles of the person whose token this is do not allow that.")
        return True


class Pacing(BaseThrottle):
    """So many requests a minute for each token, over all processes."""

    waits = 0.0

    def allow_request(self, request: Request, view: Any) -> bool:
        if not isinstance(request.auth, ApiToken):
            return True
        self.waits = take(f"token-{request.auth.digest[:24]}", Pace(60 / settings.API_CALLS_PER_MINUTE, BURST))
        return self.waits == 0

    def wait(self) -> float:
        return self.waits


class Body(JSONParser):
    """JSON; the package takes a body that is nested too deeply for a defect of ours."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        try:
            return super().parse(stream, media_type, parser_context)
        except RecursionError:
            raise ParseError("The body is nested too deeply.") from None


class OneForm(BaseContentNegotiation):
    """JSON, whatever is asked for."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        kind = (request.content_type or "").partition(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == kind), None)

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type


class Entry(GenericViewSet[Any]):
    """needs: by action what a token must be for and its person must be allowed to; "*" stands for all others."""

    authentication_classes = (TokenEntry,)
    permission_classes = (Allowed,)
    throttle_classes = (Pacing,)
    parser_classes = (Body,)
    content_negotiation_class = OneForm
    lookup_value_regex = "[0-9]{1,18}"
    needs: ClassVar[Mapping[str, tuple[Scope, str]]] = {}

    @property
    def token(self) -> ApiToken:
        if not isinstance(self.request.auth, ApiToken):
            raise PermissionDenied
        return self.request.auth

    @property
    def signature(self) -> str:
        """In whose name it is done."""
        return signature_of(self.token)

    def flows(self) -> QuerySet[Flow]:
        """All that the token reaches."""
        return Flow.objects.filter(organization_id=self.token.organization_id)

    def flow_ids(self) -> list[int]:
        """Known before a big table is asked, so that the database can tell few rows from many."""
        return list(self.flows().order_by().values_list("pk", flat=True))

    def get_exception_handler(self) -> Callable[..., Any]:
        return answer_problem
