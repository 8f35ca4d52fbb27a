"""Subgraphs and group nodes, taken apart."""

from __future__ import annotations

from typing import Any

import pytest

from engine.errors import BadDocument
from engine.formats.editor import places
from tests.engine.formats.editor.canvas import canvas, node, read, reading

LOAD = node(1, 'Load', ['a'])


def link(id: int, origin: int, origin_slot: int, target: int, target_slot: int) -> dict[str, Any]:
	"""A wire as subgraphs write it."""
	return {
		'id': id,
		'origin_id': origin,
		'origin_slot': origin_slot,
		'target_id': target,
		'target_slot': target_slot,
		'type': '*',
	}


def subgraph(id: str, inputs: str, nodes: list[Any], links: list[Any], **more: Any) -> dict[str, Any]:
	"""A definition with these inputs and one output."""
	return {
		'id': id,
		'name': id,
		'version': 1,
		'inputs': [{'name': name, 'type': '*'} for name in inputs.split()],
		'outputs': [{'name': 'IMAGE', 'type': 'IMAGE'}],
		'nodes': nodes,
		'links': links,
		**more,
	}


def instance(id: int, type: str, values: Any = None, mode: int = 0, **links: int | None) -> dict[str, Any]:
	"""An instance of a subgraph."""
	slots = [{'name': name, 'type': 'IMAGE', 'link': link} for name, link in links.items()]
	outputs = [{'name': 'IMAGE', 'type': 'IMAGE'}]
	made = {'id': id, 'type': type, 'mode': mode, 'inputs': slots, 'outputs': outputs}
	return made if values is None else {**made, 'widgets_values': values}


SOFTEN = subgraph(
	'soften',
	'image radius',
	[node(3, 'Blur', [1], image=1, radius_=2)],
	[link(1, -10, 0, 3, 0), link(2, -10, 1, 3, 1), link(3, 3, 0, -20, 0)],
)
TWICE = subgraph(
	'twice',
	'image first second',
	[
		{**instance(5, 'soften', [11], image=1, radius=2)},
		{**instance(6, 'soften', [12], image=3, radius=4)},
	],
	[
		link(1, -10, 0, 5, 0),
		link(2, -10, 1, 5, 1),
		link(3, 5, 0, 6, 0),
		link(4, -10, 2, 6, 1),
		link(5, 6, 0, -20, 0),
	],
)


def opened(*nodes: Any, links: list[Any], definitions: tuple[Any, ...] = (SOFTEN, TWICE)) -> dict[str, Any]:
	"""What a document with subgraphs comes to."""
	return read([LOAD, *nodes], links, definitions={'subgraphs': list(definitions)})


class TestInstances:
	"""Subgraphs and what their instances say."""

	def test_promoted_values(self) -> None:
		"""One value for each input that drives a widget, in the definition's order."""
		found = opened(instance(2, 'soften', [42], image=1), links=[[1, 1, 0, 2, 0, 'IMAGE']])

		assert found == {'1': {'file': 'a'}, '2:3': {'radius': 42, 'image': ['1', 0]}}

	def test_two_of_one_kind(self) -> None:
		"""Each instance has its own values and links."""
		found = opened(
			instance(2, 'soften', [1], image=1),
			instance(4, 'soften', [2], image=2),
			node(9, 'Save', ['x'], images=3),
			links=[[1, 1, 0, 2, 0, 'IMAGE'], [2, 2, 0, 4, 0, 'IMAGE'], [3, 4, 0, 9, 0, 'IMAGE']],
		)

		assert found['4:3'] == {'radius': 2, 'image': ['2:3', 0]}
		assert found['9']['images'] == ['4:3', 0]

	def test_a_link_wins_over_the_value(self) -> None:
		"""A promoted input that is linked."""
		found = opened(
			instance(2, 'soften', [42], image=1, radius=2),
			node(8, 'PrimitiveNode', [7]),
			links=[[1, 1, 0, 2, 0, 'IMAGE'], [2, 8, 0, 2, 1, 'INT']],
		)

		assert found['2:3']['radius'] == 7

	def test_nested(self) -> None:
		"""Values go down through every instance; where nobody has one, the inner one's holds."""
		found = opened(
			instance(2, 'twice', [21, 22], image=1),
			node(9, 'Save', ['x'], images=2),
			links=[[1, 1, 0, 2, 0, 'IMAGE'], [2, 2, 0, 9, 0, 'IMAGE']],
		)

		assert found['2:5:3'] == {'radius': 21, 'image': ['1', 0]}
		assert found['2:6:3'] == {'radius': 22, 'image': ['2:5:3', 0]}
		assert found['9']['images'] == ['2:6:3', 0]

	def test_proxied_widgets(self) -> None:
		"""The older way: a list of inner nodes and widgets runs along the values; null keeps what is inside."""
		made = {
			**instance(2, 'soften', [33, None], image=1),
			'properties': {'proxyWidgets': [['3', 'radius'], ['3', 'other']]},
		}
		kept = {**made, 'widgets_values': []}
		itself = {**made, 'widgets_values': [44], 'properties': {'proxyWidgets': [['-1', 'radius']]}}
		wire = [[1, 1, 0, 2, 0, 'IMAGE']]

		assert opened(made, links=wire)['2:3']['radius'] == 33
		assert opened(kept, links=wire)['2:3']['radius'] == 1
		assert opened(itself, links=wire)['2:3']['radius'] == 44

	def test_proxied_widgets_of_nested_instances(self) -> None:
		"""An outer value for an inner instance's widget reaches the node inside of that."""
		inner = {**instance(5, 'soften', [1], image=1), 'properties': {'proxyWidgets': [['3', 'radius']]}}
		outer = subgraph('outer', 'image', [inner], [link(1, -10, 0, 5, 0), link(2, 5, 0, -20, 0)])
		made = {**instance(2, 'outer', [55], image=1), 'properties': {'proxyWidgets': [['5', 'radius']]}}
		found = opened(made, links=[[1, 1, 0, 2, 0, 'IMAGE']], definitions=(SOFTEN, outer))

		assert found['2:5:3'] == {'radius': 55, 'image': ['1', 0]}

	@pytest.mark.parametrize(('mode', 'picture'), [(2, None), (4, ['1', 0])])
	def test_muted_and_bypassed(self, mode: int, picture: list[object] | None) -> None:
		"""The inside is gone; a bypassed instance hands its input on."""
		found = opened(
			instance(2, 'twice', [21, 22], mode=mode, image=1),
			node(9, 'Save', ['x'], images=2),
			links=[[1, 1, 0, 2, 0, 'IMAGE'], [2, 2, 0, 9, 0, 'IMAGE']],
		)

		assert found.keys() == {'1', '9'}
		assert found['9'].get('images') == picture


class TestBadSubgraphs:
	"""What cannot be taken apart."""

	def test_one_that_contains_itself(self) -> None:
		"""Is left empty."""
		circle = subgraph(
			'circle', 'image', [instance(3, 'circle', image=1)], [link(1, -10, 0, 3, 0), link(2, 3, 0, -20, 0)]
		)
		found = opened(
			instance(2, 'circle', image=1),
			node(9, 'Save', ['x'], images=2),
			links=[[1, 1, 0, 2, 0, 'IMAGE'], [2, 2, 0, 9, 0, 'IMAGE']],
			definitions=(circle,),
		)

		assert found == {'1': {'file': 'a'}, '9': {'prefix': 'x'}}

	def test_multiplying(self, monkeypatch: pytest.MonkeyPatch) -> None:
		"""Subgraphs that hold many of the next, and so on, are refused before they fill the memory."""
		monkeypatch.setattr(places, 'MOST_NODES', 1000)
		chain = [
			subgraph(f's{level}', '', [instance(id, f's{level + 1}') for id in range(10)], []) for level in range(20)
		]

		with pytest.raises(BadDocument, match='more than 1000 nodes'):
			reading([instance(2, 's0')], [], definitions={'subgraphs': chain})


GROUP = {
	'nodes': [
		node(0, 'Blur', [1], image=None),
		node(0, 'Noise', [1, 'fixed', 2, True]),
		node(0, 'Blur', [3], image=None),
	],
	'links': [[None, 0, 0, 0, 4, 'IMAGE'], [0, 0, 2, 0, 5, 'IMAGE']],
	'external': [],
}
USED: dict[str, Any] = {
	'id': 7,
	'type': 'workflow>Soft',
	'inputs': [{'name': 'image', 'type': 'IMAGE', 'link': 1}],
	'outputs': [{'name': 'IMAGE', 'type': 'IMAGE'}, {'name': 'Blur IMAGE', 'type': 'IMAGE'}],
	'widgets_values': [10, 5, 'randomize', 25, False, 30],
}
GROUPS = canvas(
	[LOAD, USED, node(9, 'Save', ['x'], images=2)],
	[[1, 1, 0, 7, 0, 'IMAGE'], [2, 7, 1, 9, 0, 'IMAGE']],
	extra={'groupNodes': {'Soft': GROUP}},
)


def test_group_nodes() -> None:
	"""Inner nodes have the group's id and their place; its inputs, values and outputs come in their order."""
	found = read(GROUPS['nodes'], GROUPS['links'], extra=GROUPS['extra'])

	assert found == {
		'1': {'file': 'a'},
		'7:0': {'radius': 10, 'image': ['1', 0]},
		'7:1': {'seed': 5, 'steps': 25, 'fast': False},
		'7:2': {'radius': 30, 'image': ['7:0', 0]},
		'9': {'prefix': 'x', 'images': ['7:2', 0]},
	}
