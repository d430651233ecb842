"""What other packages test their additions to lrwatch with."""
