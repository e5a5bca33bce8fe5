"""Rules over trees: what must hold on the merged result. Invariant: a check costs what is new."""
