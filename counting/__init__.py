"""Totals of what no table remembers, for the host's metrics: counted in memory, added to rows by every process every few seconds."""
