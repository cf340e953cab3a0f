"""What programs read of the site, a file a kind: ``files(board, options)`` yields (path, bytes); ``LINKS`` names those
worth a link from every page, as (path, media type, title)."""
