"""Answers to queries, one module per family."""
