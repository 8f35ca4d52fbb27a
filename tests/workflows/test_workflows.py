"""Every workflow in workflows/ is good, documented, and runs on the model it names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from engine.cancel import CancelToken
from engine.context import JobInfo
from engine.events import AnyEvent, NodeFinished
from engine.formats.native import read_document
from engine.formats.workflow import open_workflow, parse_json
from engine.formats.writing import dumps
from engine.runner import Runner
from engine.settings import PROJECT, Settings

FOLDER = PROJECT / 'workflows'
FILES = sorted(FOLDER.glob('*.json'))


@pytest.mark.parametrize('file', FILES, ids=lambda file: file.stem)
class TestEveryWorkflow:
	"""What is shipped works."""

	def test_runs_and_makes_a_picture(self, file: Path, tmp_path: Path) -> None:
		"""It passes the check, every node succeeds, and its pictures are there."""
		events: list[AnyEvent] = []
		runner = Runner(Settings(base=tmp_path), events.append)
		workflow = open_workflow(file, runner.kit.nodes.infos)
		checked = runner.check(workflow.graph)
		outcome = runner.run(checked.graph, checked.sinks, JobInfo('job'), CancelToken())
		shown = [
			image
			for event in events
			if isinstance(event, NodeFinished) and event.ui is not None
			for image in event.ui.images
		]

		assert checked.problems == ()
		assert outcome.failure is None
		assert shown
		for image in shown:
			with Image.open(runner.storage.files.saved(image)) as picture:
				assert picture.getextrema() != ((0, 0), (0, 0), (0, 0))

	def test_is_documented(self, file: Path) -> None:
		"""It has a title and a description, and the README shows it."""
		document = json.loads(file.read_text())

		assert document['title']
		assert document['description']
		assert file.name in (FOLDER / 'README.md').read_text()

	def test_is_written_in_the_one_way(self, file: Path) -> None:
		"""The file is as the program itself would save it, so that saving it again changes nothing."""
		assert file.read_text() == dumps(read_document(parse_json(file.read_bytes())))

	def test_named_inputs_and_outputs_exist(self, file: Path, tmp_path: Path) -> None:
		"""Each name stands for an input or a node that is there, and is described."""
		document = json.loads(file.read_text())

		for named in document['inputs'].values():
			assert named['input'] in document['nodes'][named['node']]['inputs']
			assert named['description']
		for named in document['outputs'].values():
			assert named['node'] in document['nodes']
