"""What a person's own files seem to be: looked at, mapped onto the canonical tables, every guess with its reason."""
