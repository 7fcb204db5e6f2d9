"""The training set of the bundled model: drawn, painted and photographed pictures, and the ledger of where each is from."""
