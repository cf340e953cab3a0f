"""What is written down: where nouns become bytes and bytes become nouns, and the store that keeps them."""
