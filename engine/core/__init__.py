"""The base layer: the values that pass between steps, parameters, the registry, slots, resources. Everything may import it."""
