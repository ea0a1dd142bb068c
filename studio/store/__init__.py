"""The project's database: the only SQL of the program. Decisions about a book are not here (`studio.engine`)."""
