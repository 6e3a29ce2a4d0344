"""One module per framework, each importing only its own framework."""
