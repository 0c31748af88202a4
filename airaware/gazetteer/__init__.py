"""Places: ZIP codes, cities, states, and what a visitor's text says of them."""
