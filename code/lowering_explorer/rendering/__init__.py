"""A lowering as a page, as LaTeX and as plain text."""
