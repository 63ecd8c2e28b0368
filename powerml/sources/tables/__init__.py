"""Ready-made tables: features, metrics, scores and labels, review sheets. A bad cell is one message with its row."""
