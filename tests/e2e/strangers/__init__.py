"""Applications of strangers, whose pages know nothing of Coatcheck."""
