"""For whoever runs the installation: take a person's second factor away when phone and recovery codes are lost."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser

from credentials.people.second_factor import remove


class Command(BaseCommand):
    help = "Remove the second factor of a person who lost the phone and the recovery codes."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("user", help="the user name")

    def handle(self, *args: Any, **options: Any) -> None:
        person = User.objects.filter(username=options["user"]).first()
        if person is None:
            raise CommandError(f"There is no user {options['user']!r}.")
        if not remove(person, actor="command line"):
            raise CommandError(f"{person} has no second factor.")
        self.stdout.write(f"The second factor of {person} is removed; the password alone opens the account now.")
