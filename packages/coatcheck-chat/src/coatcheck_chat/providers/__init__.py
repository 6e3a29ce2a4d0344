"""Image providers: what turns a prompt into a picture."""
