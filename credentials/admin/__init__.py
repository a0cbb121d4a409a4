"""Organizations, people and connections in the console."""

from django.contrib import admin

from credentials.admin import connection, organization, people

admin.site.site_header = admin.site.site_title = "Tillbridge"
admin.site.index_title = "Console"
admin.site.site_url = None

__all__ = ["connection", "organization", "people"]
