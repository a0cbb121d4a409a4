"""Mappings as CSV and Excel sheets, out and in again."""
