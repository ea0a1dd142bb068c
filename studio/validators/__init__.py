"""Checks on generated text and code: one module for each language or family of rules. Nothing is run or imported here."""
