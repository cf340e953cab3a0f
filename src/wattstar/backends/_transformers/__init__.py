"""How the transformers backend serves each pipeline tag, a file each."""
