"""What a person does in the browser, for the tests of hand-shakes."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

from django.contrib.auth.models import Permission, User
from django.contrib.messages import get_messages
from django.test import Client

from credentials.models import Connection, Membership, Organization


def person(name: str, organization: Organization | None, *permissions: str) -> Client:
    user = User.objects.create_user(name, password="x")
    if organization:
        Membership.objects.create(user=user, organization=organization)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


def leave(client: Client, connection: Connection, kind: str = "oauth") -> dict[str, str]:
    """Begin a hand-shake; the parameters that the browser leaves with."""
    response = client.post(f"/connect/{connection.pk}/{kind}/")
    assert response.status_code == 200, response
    address = response.headers["Refresh"].removeprefix("0;url=")
    return {"address": address, **dict(parse_qsl(urlsplit(address).query))}


def told(client: Client) -> str:
    """The messages that the next page would show."""
    response = client.get("/admin/login/")
    return " ".join(str(message) for message in get_messages(response.wsgi_request))
