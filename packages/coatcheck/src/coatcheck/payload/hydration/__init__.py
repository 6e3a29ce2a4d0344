"""What `coatcheck.payload.hydrate` is made of: places, policies, sizes, and the providers."""
