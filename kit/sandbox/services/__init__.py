"""What the sandbox answers itself; everything else is moto's."""
