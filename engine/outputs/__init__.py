"""Where finished pictures and sound go: one file a sink (`sink.py` says how to write one), and stills."""
