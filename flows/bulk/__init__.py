"""Many records at once: replayed, retried, or looked at with today's mappings, in slices that survive a crash."""
