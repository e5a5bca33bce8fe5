"""The catalog and its events in SQLite."""
