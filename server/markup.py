"""HTML from Python. What is called `html` is HTML already; everything else is escaped."""

from __future__ import annotations

import html as escaping
import re

VOID = frozenset({'input', 'link', 'meta'})


def text(plain: str) -> str:
	"""Plain text as HTML."""
	return escaping.escape(plain)


def tag(element: str, /, *html: str, **attributes: str | bool | None) -> str:
	"""An element. `class_` stands for `class`, other underscores for hyphens; True gives an attribute without a value."""
	written = ''.join(
		f' {key.rstrip("_").replace("_", "-")}' + ('' if value is True else f'="{escaping.escape(value)}"')
		for key, value in attributes.items()
		if value is not None and value is not False
	)
	return f'<{element}{written}>' if element in VOID else f'<{element}{written}>{"".join(html)}</{element}>'


def prose(plain: str) -> str:
	"""Text as docstrings have it: paragraphs, and `code` between backticks."""
	return ''.join(tag('p', inline(paragraph)) for paragraph in re.split(r'\n\s*\n', plain) if paragraph.strip())


def inline(plain: str) -> str:
	"""One paragraph, without the element around it."""
	pieces = ' '.join(plain.split()).split('`')
	return ''.join(tag('code', text(piece)) if index % 2 else text(piece) for index, piece in enumerate(pieces))
