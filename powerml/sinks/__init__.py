"""Tables into the outside world: files, whole or not at all."""
