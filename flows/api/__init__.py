"""The API for programs: the same rows and the same services as the console's, behind tokens."""
