"""Organizations, people, connections and tokens in the console."""

from credentials.admin import connection, members, organization, people, tokens

__all__ = ["connection", "members", "organization", "people", "tokens"]
