"""What executes a network: one file a runtime, with its own requirements."""
