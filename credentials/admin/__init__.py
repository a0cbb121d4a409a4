"""Organizations, people and connections in the console."""

from credentials.admin import connection, organization, people

__all__ = ["connection", "organization", "people"]
