"""Refuses what holds more than one request may, so that a few bytes cannot become a full memory or an endless check."""

from __future__ import annotations

from engine.graph import Graph
from server.errors import TooLarge
from server.serving import Limits


def check_bytes(count: int, limits: Limits) -> None:
	"""Raise `TooLarge` for a body of more bytes."""
	if count > limits.json_bytes:
		raise TooLarge(f'The body is larger than {limits.json_bytes:,} bytes.')


def check_values(document: bytes, limits: Limits) -> None:
	"""Raise `TooLarge` for JSON of more values, before any of them takes memory.

	Commas and opening brackets are counted, which are never fewer: a bound that needs no parser.
	"""
	most = limits.json_values
	if len(document) > most and sum(map(document.count, (b',', b'[', b'{'))) > most:
		raise TooLarge(f'The body holds more than {most:,} values.')


def check_graph(graph: Graph, limits: Limits) -> None:
	"""Raise `TooLarge` for a graph of more nodes or links."""
	if len(graph.calls) > limits.nodes:
		raise TooLarge(f'The graph has {len(graph.calls):,} nodes; {limits.nodes:,} are taken at most.')
	links = sum(1 for _ in graph.links())
	if links > limits.links:
		raise TooLarge(f'The graph has {links:,} links; {limits.links:,} are taken at most.')
