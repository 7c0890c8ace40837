"""From a stored snapshot to the files that an auditor receives."""
