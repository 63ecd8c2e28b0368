"""Ready-made tables, read: features, metrics, scores and labels, review sheets. A bad cell is a message with its row."""
