"""Provisioning: a TOML file says what there is, from organizations to alert targets; the database is brought to it."""
