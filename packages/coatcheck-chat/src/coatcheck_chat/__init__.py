"""Coatcheck's chat: an agent that draws, and the page that shows it, on the library alone."""
