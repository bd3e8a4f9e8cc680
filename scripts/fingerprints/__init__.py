"""Networks of scripts/fingerprints.py, a file for each family as in src/zoo, and the layers that they are made of."""
