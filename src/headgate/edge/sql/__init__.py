"""Rules as SQL: the rendering that DuckDB and Spark share, and the engine on DuckDB."""
