"""Sphinx settings; whatever needs logic lives in code/book_build."""

from importlib.resources import files

from book_build.chapter import MYST_EXTENSIONS

project = "AI Compilers"
author = "The authors of AI Compilers"
copyright = "2026, the authors. Text CC BY 4.0, code Apache-2.0"  # noqa: A001 -- Sphinx names it so
version = release = "0.1"
language = "en"

extensions = [
    "sphinx_external_toc",
    "myst_nb",
    "sphinxcontrib.bibtex",
    "sphinx_design",
    "sphinx_copybutton",
    "book_build.extension",
]
external_toc_path = "_toc.yml"
external_toc_exclude_missing = False
bibtex_bibfiles = ["book/references.bib"]
bibtex_default_style = "unsrt"
bibtex_reference_style = "author_year"
suppress_warnings: list[str] = []
numfig = True

# MyST-NB; the execution itself is book_build's, before Sphinx runs
myst_enable_extensions = list(MYST_EXTENSIONS)
myst_heading_anchors = 3
nb_merge_streams = True
nb_render_image_options = {"align": "center"}
nb_mime_priority_overrides = [
    ("html", "application/pdf", None),
    ("html", "text/html", 10),
    ("html", "image/svg+xml", 20),
    ("epub", "application/pdf", None),
    ("epub", "image/svg+xml", 10),
    ("epub", "text/html", 20),
    ("latex", "application/pdf", 10),
    ("latex", "image/png", 20),
    ("latex", "text/latex", 30),
    ("latex", "text/plain", 40),
    ("latex", "image/svg+xml", None),
]
copybutton_exclude = ".linenos, .gp, .go"

# HTML: everything is shipped with the pages, nothing is fetched
html_theme = "sphinx_book_theme"
html_title = "AI Compilers"
html_favicon = "book/_static/favicon.svg"
html_static_path = ["book/_static"]
html_css_files = ["book.css", "icons.css"]
templates_path = ["book/_templates"]
html_context = {"default_mode": "auto"}
html_math_renderer = "mathml"
html_copy_source = True
html_sourcelink_suffix = ""
html_last_updated_fmt = None
html_sidebars = {"**": ["home-link.html", "search-button-field.html", "sbt-sidebar-nav.html"]}
html_theme_options = {
    "use_download_button": True,
    "use_fullscreen_button": False,
    "navbar_persistent": [],
    "footer_content_items": ["copyright.html"],
    "show_toc_level": 2,
    "home_page_in_toc": True,
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}

# PDF
latex_engine = "lualatex"
latex_use_xindy = False
latex_documents = [("index", "ai-compilers.tex", project, author, "manual", False)]
latex_show_urls = "footnote"
latex_elements = {
    "papersize": "a4paper",
    "pointsize": "10pt",
    "babel": r"\usepackage[english]{babel}",
    "fontpkg": files("book_build").joinpath("fonts.tex").read_text(encoding="utf-8"),
    "preamble": files("book_build").joinpath("preamble.tex").read_text(encoding="utf-8"),
    "sphinxsetup": "verbatimforcewraps=true, verbatimmaxunderfull=0, verbatimwithframe=false, "
    "VerbatimColor={RGB}{246,247,249}, hmargin={25mm,25mm}, vmargin={25mm,28mm}",
    "fncychap": "",
    "extraclassoptions": "openany,oneside",
}

# EPUB: its reader chooses the type, so the fonts and the style of the pages stay out
epub_title = "AI Compilers: an executable book"
epub_description = "One program through XLA, Inductor, TVM and Triton, from Python to machine code, executed."
epub_uid = "book"
epub_identifier = "urn:uuid:0b6c3f4e-9a57-4f0e-8d0c-6f1f2b7c51a4"
epub_contributor = "the contributors to the book's repository"
epub_basename = "ai-compilers"
epub_show_urls = "no"
epub_tocscope = "includehidden"
epub_css_files = ["ebook.css"]
epub_use_index = False
epub_exclude_files = [
    "search.html",
    *(f"_static/{name}.css" for name in ("basic", "book", "copybutton", "icons", "sphinx-design.min")),
    *(f"_static/{name}.svg" for name in ("check-solid", "copy-button")),
    *(f"_static/{name}.png" for name in ("file", "minus", "plus")),
    *(f"_static/fonts/{name}.woff2" for name in ("math", "text-bold", "text-italic", "text-regular")),
    *(f"_static/fonts/{name}.txt" for name in ("README", "GUST-FONT-LICENSE")),
]
