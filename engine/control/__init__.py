"""How features and hands become parameter values: the tree, routes, smoothing, modulators, patches."""
