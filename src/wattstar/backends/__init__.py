"""How a model is served: one file a backend."""
