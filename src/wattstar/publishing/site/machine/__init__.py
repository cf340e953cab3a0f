"""What programs read of the site, a file a kind: ``files(board, options)`` yields (path, bytes)."""
