"""The generator's own process, and what watches and replaces it."""
