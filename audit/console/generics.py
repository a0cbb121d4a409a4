"""Django's classes that only the type checker knows as generic; at run time they take no parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.core.paginator import Paginator

if TYPE_CHECKING:
    AnyAdmin: TypeAlias = admin.ModelAdmin[Any]
    AnyInline: TypeAlias = admin.TabularInline[Any, Any]
    AnyUserAdmin: TypeAlias = UserAdmin[Any]
    AnyForm: TypeAlias = forms.ModelForm[Any]
    AnyPaginator: TypeAlias = Paginator[Any]
else:
    AnyAdmin, AnyInline, AnyUserAdmin, AnyForm, AnyPaginator = admin.ModelAdmin, admin.TabularInline, UserAdmin, forms.ModelForm, Paginator
