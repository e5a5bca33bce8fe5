"""The command line: one file per group of commands, and the one place that prints.

`main` finds the command in the table of `commands`, has its parser built, runs it, and gives its `Answer` out: as
one JSON document, or for people. What a command needs is imported when it runs: help and errors start at once, and
`check` never sees the database or the lake.
"""
