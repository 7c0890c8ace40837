"""What leaves an answer before it is stored, and what a pack shows in place of names."""
