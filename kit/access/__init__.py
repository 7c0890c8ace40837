"""Who may do what, as AWS's evaluation logic has it: pure functions over policies."""
