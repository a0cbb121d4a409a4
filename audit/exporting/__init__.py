"""Audit records as a file that can be checked by itself and against the database: one archive of rows and their proof."""
