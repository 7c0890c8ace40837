"""The operations that the sandbox answers itself; moto answers all others."""
