"""Provisioning: a TOML file describes organizations, people, connections, flows and mappings; the database is brought to it."""
