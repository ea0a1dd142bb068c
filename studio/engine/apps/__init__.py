"""The app workflow at work: roles that talk with models, workers that write files, checks, versions, handoffs."""
