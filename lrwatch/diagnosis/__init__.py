"""From statistics to a verdict, its reason and what to try next."""
