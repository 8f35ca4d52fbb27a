"""What pydantic has against a document, by the places that the document has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from pydantic import ValidationError


def in_words(error: ValidationError, document: object) -> Iterator[tuple[tuple[str, ...], str]]:
	"""Each place that does not fit, and what was expected there.

	Where several forms were possible, pydantic names each in the place and complains about each of them; those names mean
	nothing to who wrote the document, so they are left out and the complaints about one place are one.
	"""
	told: dict[tuple[str, ...], dict[str, None]] = {}
	for found in error.errors():
		place = _place(found['loc'], document, missing=found['type'] == 'missing')
		told.setdefault(place, {})[found['msg']] = None
	for place, messages in told.items():
		yield place, ', or: '.join(messages)


def _place(parts: Sequence[int | str], document: object, *, missing: bool) -> tuple[str, ...]:
	place: list[str] = []
	here = document
	for depth, part in enumerate(parts):
		inside = _inside(here, part)
		if inside:
			(here,) = inside
		if inside or (missing and depth == len(parts) - 1):
			place.append(str(part))
	return tuple(place)


def _inside(here: object, part: int | str) -> tuple[object] | None:
	"""What is there under this name or number; None if the document has no such place."""
	if isinstance(here, Mapping):
		return (here[part],) if part in here else None
	if isinstance(here, list) and isinstance(part, int) and part < len(here):
		return (here[part],)
	return None
