"""What a workflow will need of memory, in words."""

from __future__ import annotations

from engine.forecast import Forecast

MIB = 2**20


def in_words(forecast: Forecast) -> str:
	"""A line on the whole, and one on each node that will not have all in memory at once, or cannot be run."""
	lines = [
		f'memory: {forecast.peak / MIB:.0f} MiB at most, of {forecast.budget / MIB:.0f} MiB for models on {forecast.place}'
	]
	lines += [
		f'  {node.node} ({node.kind}): {node.plan}; {", ".join(node.models)}: {node.weights / MIB:.0f} MiB of weights, '
		f'{node.least / MIB:.0f} MiB at least; {node.working / MIB:.0f} MiB to work with'
		for node in forecast.nodes
		if node.plan != 'whole'
	]
	return '\n'.join(lines)
