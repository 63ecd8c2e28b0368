"""What reviewers said of the top of the list -> which part of a weight set weighs too much, and an edit to it."""
