"""Patches of host programs, written from what the engine declares: `python -m tools.host_patches`."""
