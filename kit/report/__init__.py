"""What people see: displays and figures, made from findings and tables."""
