"""One record at a time, for serving, without Polars."""
