"""Clavilux: a real-time audiovisual performance engine. `engine/README.md` is the map."""
