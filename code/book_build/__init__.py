"""Executes the chapters, checks them, and builds the pages: ``python -m book_build html``."""
