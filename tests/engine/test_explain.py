"""What a workflow does, told before it runs."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from pydantic import JsonValue

from engine.context import JobInfo
from engine.explain import Explanation, NodeExplanation, explain
from engine.formats.workflow import read_workflow
from engine.runner import Runner
from engine.settings import Settings
from tests import tiny


def link(node: str, output: str | int = 0) -> dict[str, JsonValue]:
	"""A link of a native file."""
	return {'node': node, 'output': output}


NODES: dict[str, Any] = {
	'save': {'kind': 'SaveImage', 'inputs': {'images': link('turn', 'IMAGE'), 'filename_prefix': 'x'}},
	'turn': {'kind': 'ImageInvert', 'title': 'Turn', 'inputs': {'image': link('load', 'IMAGE')}},
	'load': {'kind': 'LoadImage', 'inputs': {'image': 'seen.png'}},
	'idle': {'kind': 'EmptyImage', 'inputs': {'width': 8, 'height': 8, 'batch_size': 1, 'color': 0}},
}
DOCUMENT: dict[str, Any] = {
	'lumengraph': 2,
	'title': 'Turned',
	'description': 'Turns a picture round.',
	'inputs': {'picture': {'node': 'load', 'input': 'image', 'description': 'what to turn'}},
	'nodes': NODES,
}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
	"""Folders with a picture to load."""
	(tmp_path / 'input').mkdir()
	Image.new('RGB', (8, 8), 'red').save(tmp_path / 'input' / 'seen.png')
	return Settings(base=tmp_path)


def explained(settings: Settings, document: dict[str, Any] | None = None, *, run: bool = False) -> Explanation:
	"""A document explained, after it was run once if that is wanted."""
	runner = Runner(settings, lambda event: None)
	workflow = read_workflow(document or DOCUMENT, runner.kit.nodes.infos)
	if run:
		assert runner.run_all(workflow.graph, JobInfo('j')).state == 'succeeded'
	return explain(workflow, runner)


def by_id(found: Explanation) -> dict[str, NodeExplanation]:
	"""The nodes, to look up."""
	return {node.node: node for node in found.nodes}


class TestNodes:
	"""Each node: what it is, what comes in, what would become of it."""

	def test_what_it_is(self, settings: Settings) -> None:
		"""Kind, title and description; constants by name, links with output and type; in an order that can run."""
		found = explained(settings)
		turn = by_id(found)['turn']

		assert [node.node for node in found.nodes if node.node != 'idle'] == ['load', 'turn', 'save']
		assert (turn.kind, turn.title, bool(turn.what)) == ('ImageInvert', 'Turn', True)
		assert [(one.input, one.node, one.output, one.type) for one in turn.links] == [
			('image', 'load', 'IMAGE', 'IMAGE')
		]
		assert by_id(found)['load'].values == {'image': 'seen.png'}

	def test_before_and_after_a_run(self, settings: Settings) -> None:
		"""First all would run, afterwards all is cached; what nothing needs never runs."""
		before = by_id(explained(settings))
		after = by_id(explained(settings, run=True))

		assert {node: one.fate for node, one in before.items()} == {
			'save': 'runs',
			'turn': 'runs',
			'load': 'runs',
			'idle': 'unused',
		}
		assert before['turn'].why is not None
		assert before['turn'].why.code == 'first_time'
		assert {one.fate for node, one in after.items() if node != 'idle'} == {'cached'}

	def test_a_change(self, settings: Settings) -> None:
		"""What changed says so, with both values; what comes before it is cached, and seconds are those of the last run."""
		explained(settings, run=True)
		nodes = copy.deepcopy(NODES)
		nodes['save']['inputs']['filename_prefix'] = 'y'
		found = by_id(explained(settings, {**DOCUMENT, 'nodes': nodes}))

		assert (found['turn'].fate, found['save'].fate) == ('cached', 'runs')
		assert found['save'].why is not None
		assert '"x" to "y"' in found['save'].why.text
		assert found['save'].seconds is not None

	def test_lazy_inputs(self, settings: Settings) -> None:
		"""A node that is read by a switch only is computed if it asks."""
		nodes = {
			'a': {'kind': 'EmptyImage', 'inputs': {'width': 8, 'height': 8, 'batch_size': 1, 'color': 0}},
			'b': {'kind': 'EmptyImage', 'inputs': {'width': 8, 'height': 8, 'batch_size': 1, 'color': 1}},
			's': {
				'kind': 'ComfySwitchNode',
				'inputs': {'switch': True, 'on_true': link('a'), 'on_false': link('b')},
			},
			'p': {'kind': 'PreviewImage', 'inputs': {'images': link('s')}},
		}
		found = by_id(explained(settings, {'lumengraph': 2, 'nodes': nodes}))

		assert {node: one.fate for node, one in found.items()} == {'a': 'asked', 'b': 'asked', 's': 'runs', 'p': 'runs'}


class TestNeeds:
	"""Files, seeds, memory, problems."""

	def test_files(self, settings: Settings) -> None:
		"""Those that are there with their size, others as missing."""
		[file] = explained(settings).files
		(settings.input_folder / 'seen.png').unlink()
		gone = explained(settings)

		assert (file.folder, file.name, file.there, file.nodes) == ('input', 'seen.png', True, ('load',))
		assert not gone.files[0].there
		assert any('seen.png' in problem for problem in gone.problems)
		assert by_id(gone)['turn'].fate == 'unknown'

	def test_models_seeds_and_memory(self, settings: Settings) -> None:
		"""A model with its family, the seed with its place, and what will be needed of memory."""
		(settings.models_folder / 'checkpoints').mkdir(parents=True)
		tiny.save_checkpoint(settings.models_folder / 'checkpoints' / 'tiny.safetensors')
		nodes = {
			'm': {'kind': 'CheckpointLoaderSimple', 'inputs': {'ckpt_name': 'tiny.safetensors'}},
			't': {'kind': 'CLIPTextEncode', 'inputs': {'text': 'x', 'clip': link('m', 1)}},
			'l': {'kind': 'EmptyLatentImage', 'inputs': {'width': 32, 'height': 32, 'batch_size': 1}},
			'k': {
				'kind': 'KSampler',
				'inputs': {
					'model': link('m', 0),
					'seed': 7,
					'steps': 1,
					'cfg': 1.0,
					'sampler_name': 'euler',
					'scheduler': 'normal',
					'positive': link('t'),
					'negative': link('t'),
					'latent_image': link('l'),
					'denoise': 1.0,
				},
			},
			'd': {'kind': 'VAEDecode', 'inputs': {'samples': link('k'), 'vae': link('m', 2)}},
			's': {'kind': 'PreviewImage', 'inputs': {'images': link('d')}},
		}
		found = explained(settings, {'lumengraph': 2, 'nodes': nodes})
		[file] = found.files

		assert found.problems == ()
		assert (file.folder, file.name, file.is_model, file.family) == ('checkpoints', 'tiny.safetensors', True, 'sd1')
		assert [(seed.place, seed.value) for seed in found.seeds] == [('k.seed', 7)]
		assert found.memory is not None

	def test_unknown_kinds(self, settings: Settings) -> None:
		"""A workflow that cannot be run is explained as far as it goes."""
		nodes = {'x': {'kind': 'Strange', 'inputs': {'a': 1, 'b': link('y', 3)}}, 'y': {'kind': 'Stranger'}}
		found = explained(settings, {'lumengraph': 2, 'nodes': nodes})

		assert found.problems
		assert [node.known for node in found.nodes] == [False, False]
		assert by_id(found)['x'].links[0].output == '3'

	def test_as_json(self, settings: Settings) -> None:
		"""All of it survives being written down."""
		found = explained(settings)

		assert Explanation.model_validate_json(found.model_dump_json()) == found
