"""How class weights become the y of a generator: one file a mixer."""
