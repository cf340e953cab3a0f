"""Where jobs run: one file a launcher."""
