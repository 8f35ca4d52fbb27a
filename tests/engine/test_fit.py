from __future__ import annotations

from dataclasses import dataclass

import pytest

from engine.declaration import NodeInfo, Output
from engine.fit import Models, best_of, models_of
from tests.engine.tools import Nodes, graph


def info(kind: str, *outputs: str) -> NodeInfo:
	"""A kind with outputs of these types."""
	return NodeInfo(kind=kind, title=kind, category='', outputs=tuple(Output(name=name, type=name) for name in outputs))


NODES = {
	item.kind: item for item in (info('Load', 'MODEL', 'CLIP', 'VAE'), info('Lora', 'MODEL'), info('Sample', 'LATENT'))
}


def loading(name: str, *, seed: int = 0, node: str = '1', strength: float = 1.0) -> Nodes:
	"""A graph that loads a model, changes it and samples with it."""
	return {
		node: ('Load', {'name': name}),
		'lora': ('Lora', {'model': (node, 0), 'strength': strength}),
		'sample': ('Sample', {'model': ('lora', 0), 'seed': seed}),
	}


@dataclass
class Worker:
	"""A worker that rests."""

	name: str
	rests_since: int
	loaded: Models = frozenset()


class TestModelsOf:
	def test_what_gives_models_counts(self) -> None:
		"""Neither ids, nor seeds, nor who takes the models."""
		assert models_of(graph(loading('a')), NODES) == models_of(graph(loading('a', seed=9, node='other')), NODES)

	def test_another_file_is_another_model(self) -> None:
		"""As far as they differ."""
		one, other = models_of(graph(loading('a')), NODES), models_of(graph(loading('b')), NODES)

		assert len(one) == len(other) == 2
		assert len(one & other) == 1

	def test_constants_of_any_kind(self) -> None:
		"""Lists and nothing at all are constants too; a kind that nobody knows gives no model."""
		nodes: Nodes = {'1': ('Load', {'name': ['a', {'b': None}]}), '2': ('Gone', {'name': 'a'})}

		assert len(models_of(graph(nodes), NODES)) == 1

	def test_none(self) -> None:
		"""A graph without models."""
		assert models_of(graph({'1': ('Sample', {})}), NODES) == frozenset()


class TestBestOf:
	@pytest.mark.parametrize(
		('wanted', 'best'),
		[
			(set(), 'oldest'),
			({'unknown'}, 'oldest'),
			({'a'}, 'one'),
			({'a', 'b'}, 'both'),
			({'b'}, 'both'),
		],
	)
	def test_most_in_common_then_longest_rest(self, wanted: set[str], best: str) -> None:
		"""A worker that has the models, else the one that rests longest."""
		workers = [
			Worker('both', 3, frozenset({'a', 'b'})),
			Worker('one', 2, frozenset({'a'})),
			Worker('oldest', 1, frozenset({'c'})),
		]

		assert best_of(workers, frozenset(wanted)).name == best
