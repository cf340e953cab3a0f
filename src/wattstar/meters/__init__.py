"""Where joules are read: one file a meter."""
