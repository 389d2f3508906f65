"""A synthetic child whose anatomy is known, rendered as a CT series."""
