"""What Prometheus reads: totals that were counted, and how things stand in the tables right now."""
