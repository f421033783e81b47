"""A book of one page, with a playground."""

from pathlib import Path

project = "A playground"
extensions = ["myst_parser", "book_build.playgrounds"]
html_theme = "sphinx_book_theme"
html_static_path = [str(Path(__file__).resolve().parents[3] / "book" / "_static")]
html_css_files = ["book.css", "icons.css"]
html_copy_source = False
latex_engine = "lualatex"
