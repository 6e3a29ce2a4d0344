"""Coatcheck's tests."""
