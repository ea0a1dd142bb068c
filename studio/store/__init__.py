"""The only SQL: a project's DuckDB database."""
