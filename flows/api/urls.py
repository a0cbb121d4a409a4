"""The addresses of the API, version 1."""

from django.urls import include, path, re_path
from rest_framework.routers import SimpleRouter

from flows.api import mapping, reading
from flows.api.description import Description
from flows.api.problems import not_found

router = SimpleRouter(trailing_slash=False)
router.register("flows", reading.FlowsView, basename="flow")
router.register("jobs", reading.JobsView, basename="job")
router.register("records", reading.RecordsView, basename="record")
router.register("links", reading.LinksView, basename="link")
router.register("audit", reading.AuditView, basename="audit")
router.register("mappings/items", mapping.ItemsView, basename="item-mapping")
router.register("mappings/values", mapping.ValuesView, basename="value-mapping")
router.register("mappings/fields", mapping.FieldsView, basename="field-mapping")

app_name = "api"
urlpatterns = [
    path("schema", Description.as_view(), name="schema"),
    path("", include(router.urls)),
    re_path(r"^", not_found, name="nothing"),  # whatever comes after it, line ends too
]
