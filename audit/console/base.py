"""The base of every admin page: only visible rows, bounded counting, buttons, and a record of whatever a person changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.text import capfirst

from audit.console.buttons import BULK_AT_MOST, REASON_LENGTH, Button, Said, tell
from audit.console.generics import AnyAdmin
from audit.console.paging import BoundedPaginator
from audit.console.showing import heading_of
from audit.models import Outcome
from audit.services import write

WAYS = ("exact", "in", "isnull", "gte", "lt", "lte", "gt", "id__exact", "pk__exact")  # in which Django's filters ask for a field


class ConsoleAdmin(AnyAdmin):
    """visible() and place_of() are what a page must say for itself."""

    paginator = BoundedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # facets count the whole table once per choice
    list_per_page = 50
    list_max_show_all = 200
    change_form_template = "admin/console/change_form.html"
    buttons: tuple[Button, ...] = ()
    heading = ""  # of the list, in the menu too; "" for the plural of the rows' name
    about = ""  # a sentence atop the list: what its rows are, and what for

    def visible(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Only the rows that this person may know of."""
        raise NotImplementedError

    def place_of(self, row: Any) -> dict[str, Any]:
        """Where an audit record about this row belongs: organization_id, and flow_id or connection where there is one."""
        raise NotImplementedError

    # ---- what is seen --------------------------------------------------------------------------------------

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return self.visible(request, super().get_queryset(request))

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """The row; 404 for what does not exist and for what this person may not know of, so that the two look alike."""
        found = super().get_object(request, object_id, from_field)
        if found is None:
            raise Http404
        return found

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        """Only what a filter of this list asks: Django takes any field of the row, so that ?digest__startswith= would tell a secret
        letter by letter.
        """
        filters = self.get_list_filter(request) if request is not None else self.list_filter
        named = {name for chosen in filters for name in _asked_by(chosen)}
        return any(lookup in (name, *(f"{name}__{way}" for way in WAYS)) for name in named)

    # ---- buttons -------------------------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        return [self.page("press/<slug:button>", self.press_view, "press"), *super().get_urls()]

    def page(self, tail: str, view: Callable[..., HttpResponse], name: str) -> URLPattern:
        """A page below a row's own: its address, its view behind the login, its name "<app>_<model>_<name>"."""
        options = self.opts
        return path(f"<path:object_id>/{tail}/", self.admin_site.admin_view(view), name=f"{options.app_label}_{options.model_name}_{name}")

    def address(self, name: str, *arguments: object) -> str:
        """The address of one of this model's pages."""
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_{name}", args=arguments)

    def press_view(self, request: HttpRequest, object_id: str, button: str) -> HttpResponse:
        """Press one button on one row."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        row = self.get_object(request, object_id)
        pressed = next((known for known in self.buttons if known.name == button), None)
        if pressed is None:
            raise Http404
        if not pressed.is_allowed(request):
            raise PermissionDenied
        tell(request, self.press(request, pressed, row))
        return HttpResponseRedirect(self.address("change", row.pk))

    def press(self, request: HttpRequest, button: Button, row: Any) -> Said:
        """Do it and write it down. The press itself is no transaction: it may call another system."""
        if not button.is_shown(row):
            return Said(f"{row} is not in a state for this now: {button.label.lower()}.", ok=False)
        reason = (request.POST.get("reason", "").strip()[:REASON_LENGTH],) if button.why else ()
        said = button.press(row, request.user.get_username(), *reason)
        if button.records:
            self.record(request, button.label.lower(), row, said.sentence, Outcome.DONE if said.ok else Outcome.FAILED)
        return said

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """The list's actions: Django's, and the buttons that make sense for many rows."""
        actions: dict[str, Any] = super().get_actions(request)
        for button in self.buttons:
            if button.in_bulk and button.is_allowed(request):
                actions[button.name] = (_in_bulk(button), button.name, f"{button.label} the selected {self.opts.verbose_name_plural}")
        return actions

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> HttpResponse:
        row = kwargs.get("obj")
        context["buttons"] = [] if row is None else [b.about(row) for b in self.buttons if b.is_allowed(request) and b.is_shown(row)]
        context["tools"] = [] if row is None else self.tools(request, row)
        return super().render_change_form(request, context, *args, **kwargs)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Headed by what is listed."""
        known = {"title": heading_of(self), "about": self.about}
        return super().changelist_view(request, {**known, **(extra_context or {})})

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Headed by what kind of thing it is; which one stands below."""
        return super().change_view(request, object_id, form_url, {"title": capfirst(self.opts.verbose_name), **(extra_context or {})})

    def tools(self, request: HttpRequest, row: Any) -> list[dict[str, Any]]:
        """More buttons beside the row's own: {"label", "url", "post": True for a POST, "fields": hidden ones}."""
        return []

    # ---- records -------------------------------------------------------------------------------------------

    def record(self, request: HttpRequest, action: str, row: Any, message: str, outcome: str = Outcome.DONE) -> None:
        """An audit record in this person's name."""
        write(
            actor=request.user.get_username(),
            action=action,
            outcome=outcome,
            object_type=str(self.opts.model_name),
            source_id=str(row.pk),
            message=f"{row}: {message}",
            **self.place_of(row),
        )

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        entry = super().log_addition(request, obj, message)
        self.record(request, f"add {self.opts.verbose_name}", obj, "Added.")
        return entry

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        entry = super().log_change(request, obj, message)
        if message:
            self.record(request, f"change {self.opts.verbose_name}", obj, entry.get_change_message())
        return entry

    def log_deletions(self, request: HttpRequest, queryset: Iterable[Any]) -> Any:
        rows = list(queryset)
        entries = super().log_deletions(request, rows)  # type: ignore[arg-type]
        for row in rows:
            self.record(request, f"delete {self.opts.verbose_name}", row, "Deleted.")
        return entries


class ReadOnly:
    """Nobody edits these rows by hand; put it before the base class."""

    def has_add_permission(self, request: HttpRequest, *_parent: Any) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


def _asked_by(chosen: Any) -> tuple[str, ...]:
    """The names in the address by which a list's filter asks."""
    if isinstance(chosen, (str, tuple, list)):
        return (chosen,) if isinstance(chosen, str) else (str(chosen[0]),)
    return tuple(getattr(chosen, "parameter_names", ())) or (chosen.parameter_name,)


def _in_bulk(button: Button) -> Callable[[ConsoleAdmin, HttpRequest, QuerySet[Any]], None]:
    def act(page: ConsoleAdmin, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        rows = list(queryset[: BULK_AT_MOST + 1])
        skipped = [row for row in rows[:BULK_AT_MOST] if not button.is_shown(row)]
        done = [page.press(request, button, row) for row in rows[:BULK_AT_MOST] if button.is_shown(row)]
        refused = [said for said in done if not said.ok]
        left = f" {len(skipped)} were not in a state for it." if skipped else ""
        more = f" Only the first {BULK_AT_MOST} were taken; do the rest in another go." if len(rows) > BULK_AT_MOST else ""
        tell(request, Said(f"{button.label}: {len(done) - len(refused)} of {len(done)} done.{left}{more}", ok=not refused))
        for said in refused[:5]:
            tell(request, said)

    return act
