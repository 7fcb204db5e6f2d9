"""Sound in, ticks out: the analysis, the patch that plays and the parameter tree. No threads, no windows."""
