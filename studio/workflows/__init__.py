"""Reads and checks workflow files; holds those that come with the program."""
