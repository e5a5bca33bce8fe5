"""Git for data: trees, commits, refs, merging. Pure over the Store."""
