"""The story `headgate demo` tells, and the real data it tells it with."""
