"""Histories of other applications, and old ones, rewritten in bulk: pictures out, references in."""
