"""How a model is trained: one file a recipe, its presets beside it."""
