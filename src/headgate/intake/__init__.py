"""What arrives: which batch it is, and what of it is new. Invariant: a batch takes effect at most once."""
