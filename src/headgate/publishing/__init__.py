"""The switch. Invariant: nothing is published without a passing verdict on exactly that tree."""
