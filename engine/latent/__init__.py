"""How a look moves: latent movers and class weights, stepped once a tick."""
