"""Tables: Iceberg on files, and which of their files hold a key."""
