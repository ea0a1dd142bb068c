"""The workflow API: a change to an application taken from role to role by agents outside, and its progress as it happens."""
