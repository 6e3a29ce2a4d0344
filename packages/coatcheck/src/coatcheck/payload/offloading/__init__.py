"""What `coatcheck.payload.offload` is made of: the walk through a payload, and what it keeps."""
