"""What people read and auditors agree on, as data."""
