"""The event log as a stream. Invariant: offsets are gapless, so a follower misses nothing."""
