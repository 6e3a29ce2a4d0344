"""Media inside payloads: what replaces it, and in which form it goes where."""
