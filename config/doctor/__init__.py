"""The doctor: looks at everything that can be wrong with an installation and says it in plain sentences."""
