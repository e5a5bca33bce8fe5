"""Headgate: data as code."""
