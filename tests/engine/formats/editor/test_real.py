"""Files from the wild, and what ComfyUI's own front end made of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import JsonValue

from engine.formats.editor.read import read_editor
from engine.formats.prompt import write_prompt
from engine.graph import Constant, Link, NodeId
from tests.engine.formats.declared import infos

REAL = Path(__file__).parents[1] / 'real'
PAIRS = sorted(path.name.removesuffix('.prompt.json') for path in REAL.glob('*.prompt.json'))
BUTTONS = ('upload', 'choose file to upload')
SINCE: dict[str, dict[tuple[str, str], JsonValue]] = {
	'ex-edit-models-sdxl-edit-model': {('37:7', 'style'): 'regular'},
	'ex-flux-dev-example': {('11', 'device'): 'default'},
	'ex-inpaint-example': {('26', 'grow_mask_by'): 6},
	'ex-sdturbo-sdxlturbo-example': {('22', 'denoise'): 1.0},
}
"""Inputs that the classes got after these files were saved: the front end fills them in today."""


def loaded(name: str) -> Any:
	"""A file as JSON."""
	return json.loads((REAL / name).read_text())


@pytest.mark.parametrize('name', PAIRS)
def test_pairs(name: str) -> None:
	"""The editor form becomes the very API form that the front end made: nodes, classes, links and values."""
	reading = read_editor(loaded(f'{name}.workflow.json'), infos())
	prompt: Any = write_prompt(reading.graph)
	for (node, given), value in SINCE.get(name, {}).items():
		assert prompt[node]['inputs'].pop(given) == value
	wanted = {
		node: (
			body['class_type'],
			{given: value for given, value in body['inputs'].items() if given not in BUTTONS},
		)
		for node, body in loaded(f'{name}.prompt.json').items()
	}

	assert {node: (body['class_type'], body['inputs']) for node, body in prompt.items()} == wanted
	assert not reading.missing


class TestSubgraphs:
	def test_proxied_widgets(self) -> None:
		"""The inside of an instance is there under joined ids, with the prompt that is linked from outside."""
		calls = read_editor(loaded('tpl-image-z-image-turbo.workflow.json'), infos()).graph.calls

		assert {call.kind for call in calls.values()} >= {'KSampler', 'UNETLoader', 'SaveImage'}
		assert calls[NodeId('9')].inputs['images'] == Link(NodeId('57:8'), 0)
		assert isinstance(calls[NodeId('57:27')].inputs['text'], Constant)

	def test_nested(self) -> None:
		"""An instance inside of another one is taken apart too."""
		calls = read_editor(loaded('bp-text-to-image-netayume-lumina.workflow.json'), infos()).graph.calls

		assert [id for id in calls if id.count(':') == 2]
		assert all(
			argument.node in calls
			for call in calls.values()
			for argument in call.inputs.values()
			if isinstance(argument, Link)
		)


def test_reroutes() -> None:
	"""Reroute nodes are gone, and what they joined is linked."""
	calls = read_editor(loaded('tpl-hidream-e1-full.workflow.json'), infos()).graph.calls

	assert 'Reroute' not in {call.kind for call in calls.values()}
	assert all(
		argument.node in calls
		for call in calls.values()
		for argument in call.inputs.values()
		if isinstance(argument, Link)
	)
