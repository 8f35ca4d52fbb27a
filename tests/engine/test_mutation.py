from pathlib import Path
from typing import Any

import pytest
import torch

from engine.spec import Context, node
from nodes.codecs import add_codecs
from nodes.values import Latent
from tests.engine.tools import Bench, Nodes, graph

seen: list[object] = []


@node(category='test')
def make(size: int) -> Any:
	"""A value that can be changed, in every way there is."""
	return {'rows': [[0] * size], 'tensor': torch.zeros(size), 'latent': Latent(torch.zeros(1, 4, size, size))}


@node(category='test')
def spoil(value: Any, tag: int) -> int:
	"""A node that changes what it was given."""
	value['rows'][0][0] = tag
	value['rows'].append([tag])
	value['tensor'].add_(tag)
	value['latent'].samples.mul_(0).add_(tag)
	value['more'] = tag
	return tag


@node(category='test', sink=True)
def look(context: Context, value: Any, after: int) -> None:
	"""Keeps what it was given."""
	seen.append(value)


NODES: Nodes = {
	'make': ('Make', {'size': 3}),
	'spoil': ('Spoil', {'value': ('make', 0), 'tag': 7}),
	'look': ('Look', {'value': ('make', 0), 'after': ('spoil', 0)}),
}


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
	"""A maker, a spoiler and a looker, with tensors known to the codecs."""
	seen.clear()
	bench = Bench(tmp_path, make, spoil, look, budget=2**24)
	add_codecs(bench.codecs)
	return bench


def clean(value: object) -> bool:
	"""Whether a value is as it was made."""
	assert isinstance(value, dict)
	return (
		set(value) == {'rows', 'tensor', 'latent'}
		and value['rows'] == [[0, 0, 0]]
		and not value['tensor'].any()
		and not value['latent'].samples.any()
	)


class TestMutation:
	def test_the_next_consumer_gets_the_value_as_it_was_made(self, bench: Bench) -> None:
		"""A node that changes its input changes a copy, within one run."""
		outcome = bench.run(graph(NODES))

		assert outcome.state == 'succeeded', outcome.failure
		assert clean(seen[0])

	def test_the_next_run_gets_the_value_as_it_was_made(self, bench: Bench) -> None:
		"""What the cache holds stays as it was, whatever earlier runs did with what they were handed."""
		bench.run(graph(NODES))
		bench.run(graph({**NODES, 'spoil': ('Spoil', {'value': ('make', 0), 'tag': 8})}))

		assert len(seen) == 2
		assert clean(seen[1])

	def test_items_of_a_list_are_handed_out_apart(self, bench: Bench) -> None:
		"""Two calls of one node over a list do not see each other's changes."""
		nodes: Nodes = {**NODES, 'again': ('Spoil', {'value': ('make', 0), 'tag': ('spoil', 0)})}
		bench.run(graph({**nodes, 'look': ('Look', {'value': ('make', 0), 'after': ('again', 0)})}))

		assert clean(seen[0])
