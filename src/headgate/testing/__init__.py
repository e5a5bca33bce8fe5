"""Shipped for tests: in-memory fakes, the suites that every adapter of a port must pass, and crash points."""
