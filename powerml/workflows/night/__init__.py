"""`powerml night`: the product from one night to the next, step by step, each once per date."""
