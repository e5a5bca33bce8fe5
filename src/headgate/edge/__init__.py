"""Adapters: the only rooms that know clock, files, environment, engines and databases."""
