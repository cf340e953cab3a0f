"""The kinds of pages, a file each: ``pages(board, options)`` yields ``Page``s. A new kind is a new file here, and its
template; nothing else is edited."""
