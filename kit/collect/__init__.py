"""Collecting from AWS: calls, clients, the engine that collects, the policy that it needs."""
