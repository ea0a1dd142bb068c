"""Tests of the database: real DuckDB files in temporary folders."""
