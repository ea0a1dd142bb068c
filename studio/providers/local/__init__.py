"""The model on this computer: pinned weights and their download, a child process that serves them, and the provider over it."""
