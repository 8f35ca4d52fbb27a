"""Nodes of kinds that are no more."""

from __future__ import annotations

import json
from collections.abc import Mapping

from pydantic import JsonValue

from engine.formats.prompt import read_prompt, write_prompt
from server.comfy.replacing import replaced
from server.schemas.packs import Replacement
from tests.server.client import Api, Graph, call
from tests.server.comfy.hosting import fresh, show

NODES = {'New': None, 'Show': None}


def renamed(graph: Graph, *entries: Mapping[str, object]) -> Graph:
	"""A graph with successors in it, where `New` and `Show` are the kinds that there are."""
	named: dict[str, list[Replacement]] = {}
	for entry in entries:
		read = Replacement.model_validate({'old_node_id': 'Old', **entry})
		named.setdefault(read.old_node_id, []).append(read)
	document: JsonValue = json.loads(json.dumps(graph))
	written: Graph = json.loads(json.dumps(write_prompt(replaced(read_prompt(document), NODES, named))))
	return written


class TestReplaced:
	"""What becomes of a graph."""

	def test_inputs_and_outputs_are_mapped(self) -> None:
		"""Values and links move to the inputs they belong to; fixed values are set; links to outputs follow."""
		graph = {
			'1': {**call('Old', count=3, source=['2', 0], dropped='x'), '_meta': {'title': 'Mine'}},
			'2': call('Show', value=['1', 0], more=['1', 1]),
		}
		entry = {
			'new_node_id': 'New',
			'input_mapping': [
				{'new_id': 'amount', 'old_id': 'count'},
				{'new_id': 'from', 'old_id': 'source'},
				{'new_id': 'absent', 'old_id': 'never given'},
				{'new_id': 'unit', 'set_value': None},
			],
			'output_mapping': [{'old_idx': 0, 'new_idx': 1}],
		}

		assert renamed(graph, entry) == {
			'1': {**call('New', **{'amount': 3, 'from': ['2', 0], 'unit': None}), '_meta': {'title': 'Mine'}},
			'2': call('Show', value=['1', 1], more=['1', 1]),
		}

	def test_without_mappings_all_stays(self) -> None:
		"""Only the kind is another; links between replaced nodes hold."""
		graph = {'1': call('Old', a=1), '2': call('Old', a=['1', 2])}

		assert renamed(graph, {'new_node_id': 'New'}) == {'1': call('New', a=1), '2': call('New', a=['1', 2])}

	def test_first_that_is_there_is_taken(self) -> None:
		"""A successor that is not there itself helps nobody."""
		graph = {'1': call('Old')}

		assert renamed(graph, {'new_node_id': 'Gone'}, {'new_node_id': 'New'}) == {'1': call('New')}
		assert renamed(graph, {'new_node_id': 'Gone'}) == graph

	def test_kinds_that_are_there_are_left_alone(self) -> None:
		"""Whatever a pack says of them."""
		graph = {'1': call('Show')}

		assert renamed(graph, {'new_node_id': 'New', 'old_node_id': 'Show'}) == graph


class TestPrompt:
	"""Through POST /prompt."""

	async def test_old_prompt_runs(self, host: Api) -> None:
		"""A node that a pack has replaced runs as its successor, and gives what the old one gave."""
		count = next(fresh)
		job = await host.submit({'1': call('CompanionOld', count=count), '2': show('1')})

		assert (await host.ended(job))['outputs']['2'] == {'text': [f'{count} pieces']}

	async def test_kind_without_successor_is_refused(self, host: Api) -> None:
		"""As any unknown kind."""
		status, body = await host.prompt({'1': call('CompanionNone'), '2': show('1')})

		assert (status, body['error']['type']) == (400, 'missing_node_type')
