"""uvicorn and Granian under the whole application: what an answer costs the server's processes."""
