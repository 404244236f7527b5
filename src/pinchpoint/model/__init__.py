"""The nouns that travel between the stages. Frozen, with units in their names."""
