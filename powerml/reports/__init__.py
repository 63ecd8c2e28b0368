"""Results -> sentences, pictures and pages for people. Nothing is computed here that a result does not hold."""
