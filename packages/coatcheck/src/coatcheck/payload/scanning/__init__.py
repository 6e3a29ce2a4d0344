"""Finds media in text: runs of base64, data: URIs, JSON documents, pieces of a stream."""
