"""Before the show: data, training, importing, exploring and blending models."""
