"""The guide for operators in the console: its pages, and its pictures. Only known names are served; a path is never made of an address."""

from __future__ import annotations

from django.contrib.admin import AdminSite
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.views.decorators.http import require_safe

from flows.guide import FIRST, contents, guide_pages, guide_pictures, shown

PICTURES_KEPT = 3600  # seconds in the browser; a new release has new ones


def guide_urls(site: AdminSite) -> list[URLPattern]:
    """All of them, behind the login."""

    @require_safe
    def page(request: HttpRequest, name: str = FIRST) -> HttpResponse:
        found = guide_pages().get(name)
        if found is None:
            raise Http404
        context = {"title": found.title, "page": found, "first": guide_pages()[FIRST], "pages": contents(), "text": shown(found)}
        return TemplateResponse(request, "admin/guide.html", {**site.each_context(request), **context})

    return [
        path("help/", site.admin_view(page), name="guide"),
        path("help/pictures/<str:name>", site.admin_view(picture, cacheable=True), name="guide-picture"),
        path("help/<path:name>/", site.admin_view(page), name="guide-page"),
    ]


@require_safe
def picture(_request: HttpRequest, name: str) -> FileResponse:
    found = guide_pictures().get(name)
    if found is None:
        raise Http404
    return FileResponse(found.open("rb"), content_type="image/png", headers={"Cache-Control": f"private, max-age={PICTURES_KEPT}"})
