"""What a run of a graph would do now: which results are in the cache, which nodes would be called, and how long that takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from engine.declaration import Model


class Outlook(Model):
	"""Nodes whose results are `cached`, and those that would run, as `pending`.

	`seconds` is what the pending ones take together by earlier calls of their kinds, without those that are `untimed`: no
	call of their kinds is known. It is null if that is so of all of them.
	"""

	cached: tuple[str, ...]
	pending: tuple[str, ...]
	seconds: float | None
	untimed: tuple[str, ...] = ()


def outlook(
	cached: Iterable[str], pending: Iterable[tuple[str, str]], expected: Callable[[str], float | None]
) -> Outlook:
	"""The outlook of a run. `pending` are nodes with their kinds, `expected` tells the seconds that a call of a kind takes."""
	times = {node: expected(kind) for node, kind in pending}
	known = [seconds for seconds in times.values() if seconds is not None]
	return Outlook(
		cached=tuple(cached),
		pending=tuple(times),
		seconds=round(sum(known), 3) if known or not times else None,
		untimed=tuple(node for node, seconds in times.items() if seconds is None),
	)
