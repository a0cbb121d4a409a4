"""What every page of the console is made of; it lives here because whatever a person does on one is written to the audit."""
