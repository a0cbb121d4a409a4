"""What a person does to mappings: what waits for one, suggestions, field rules with their versions, lists in and out."""
