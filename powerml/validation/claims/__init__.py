"""A published scorecard against its own numbers: a claim file in, checks out, with what is claimed and what follows."""
