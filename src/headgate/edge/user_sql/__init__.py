"""People's own SQL, in a locked-down DuckDB: rules of contracts, and queries over a commit."""
