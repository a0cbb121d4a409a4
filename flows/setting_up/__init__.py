"""The guided path from nothing to the first record: which steps there are, what they find out, and what they do."""
