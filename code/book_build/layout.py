"""Where the parts of a book lie below its root."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml
from sphinx_external_toc.parsing import MalformedError, parse_toc_yaml


@dataclass(frozen=True)
class Layout:
    """The folders of one book. Only `build` is ever written to."""

    root: Path

    @property
    def book(self) -> Path:
        """The chapters, `_toc.yml` and the bibliography."""
        return self.root / "book"

    @property
    def code(self) -> Path:
        """The source root of the packages that chapters import."""
        return self.root / "code"

    @property
    def build(self) -> Path:
        """Everything that a build makes."""
        return self.root / "_build"

    @property
    def executions(self) -> Path:
        """Executed chapters, one folder each, and the publication table."""
        return self.build / "executions"

    def sphinx(self, builder: str) -> Path:
        """Sphinx's own output folder of a builder, published only when it is clean."""
        return self.build / "sphinx" / builder

    def doctrees(self, builder: str) -> Path:
        """Sphinx's environment of a builder."""
        return self.build / "doctrees" / builder

    def docnames(self) -> list[str]:
        """The pages of the book in reading order, as `_toc.yml` lists them."""
        try:
            return list(parse_toc_yaml(self.book / "_toc.yml"))
        except (MalformedError, yaml.YAMLError) as error:
            raise SystemExit(f"book/_toc.yml cannot be read: {error}") from None
