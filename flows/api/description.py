"""The description of the API as an address: for whoever is logged in or has a token, worked out once in each process."""

from __future__ import annotations

from functools import cache
from typing import Any

from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer
from drf_spectacular.utils import extend_schema
from rest_framework.authentication import SessionAuthentication
from rest_framework.permissions import IsAdminUser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from flows.api.entry import OneForm, Pacing, TokenEntry
from flows.api.problems import answer_problem


@cache
def described() -> dict[str, Any]:
    """The same for everybody: it changes with the code only."""
    made: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return made


@extend_schema(exclude=True)
class Description(APIView):
    """No secret, but no stranger's business either."""

    authentication_classes = (TokenEntry, SessionAuthentication)
    permission_classes = (IsAdminUser,)
    throttle_classes = (Pacing,)
    renderer_classes = (OpenApiJsonRenderer,)
    content_negotiation_class = OneForm

    def get(self, request: Request) -> Response:
        return Response(described())

    def get_exception_handler(self) -> Any:
        return answer_problem
