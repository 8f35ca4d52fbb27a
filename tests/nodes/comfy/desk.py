"""Runs prompts of ComfyUI-style nodes in this process, and tells what became of them."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from PIL import Image

from engine.cancel import CancelToken
from engine.context import JobInfo
from engine.events import AnyEvent, JobFinished, NodeBlocked, NodeFinished, NodeStarted, Ui
from engine.formats.prompt import read_prompt
from engine.runner import Runner
from engine.settings import Settings

Prompt = Mapping[str, tuple[str, Mapping[str, Any]]]
LOOP: Prompt = {
	'open': ('TestingLoopOpen', {'value1': ['turns', 0], 'value2': ['start', 0]}),
	'less': ('TestingLess', {'a': 1, 'b': ['open', 1]}),
	'down': ('TestingAdd', {'a': ['open', 1], 'b': -1}),
	'double': ('TestingAdd', {'a': ['open', 2], 'b': ['open', 2]}),
	'close': (
		'TestingLoopClose',
		{'flow': ['open', 0], 'condition': ['less', 0], 'value1': ['down', 0], 'value2': ['double', 0]},
	),
	'show': ('TestingShow', {'value': ['close', 1]}),
}


class Desk:
	"""Runs prompts, and tells what became of them."""

	def __init__(self, base: Path) -> None:
		self.base = base
		self.events: list[AnyEvent] = []
		self.extra: dict[str, Any] = {}
		self.runner = Runner(Settings(base=base, disk_bytes=0), self.events.append)

	def run(self, nodes: Prompt) -> JobFinished:
		"""One prompt, whose events are then those that are kept."""
		self.events.clear()
		prompt: dict[str, Any] = {
			node: {'class_type': kind, 'inputs': dict(inputs)} for node, (kind, inputs) in nodes.items()
		}
		checked = self.runner.check(read_prompt(prompt), tolerant=True)
		assert not checked.problems, [problem.sentence for problem in checked.problems]
		job = JobInfo('job', prompt_json=json.dumps(prompt), extra_pnginfo=self.extra)
		return self.runner.run(checked.graph, checked.good_sinks, job, CancelToken())

	def good(self, nodes: Prompt) -> Desk:
		"""One prompt that must succeed."""
		outcome = self.run(nodes)
		assert outcome.state == 'succeeded', outcome.failure
		return self

	@property
	def ran(self) -> list[str]:
		"""The nodes that were announced, in order."""
		return [event.node for event in self.events if isinstance(event, NodeStarted)]

	@property
	def blocked(self) -> list[tuple[str, str]]:
		"""The nodes that were passed over with a message, and the messages."""
		return [(event.node, event.message) for event in self.events if isinstance(event, NodeBlocked)]

	def shown(self, node: str) -> Ui | None:
		"""What a node showed."""
		return next((one.ui for one in self.events if isinstance(one, NodeFinished) and one.node == node), None)

	def text(self, node: str) -> list[object] | None:
		"""What a node showed as text."""
		ui = self.shown(node)
		return None if ui is None else list(ui.root['text'])

	def pictures(self, node: str) -> list[Image.Image]:
		"""The pictures that a node showed, from their files."""
		ui = self.shown(node)
		found: list[Image.Image] = []
		for saved in () if ui is None else ui.images:
			with Image.open(self.runner.storage.files.saved(saved)) as image:
				found.append(image.copy())
		return found

	def module(self, name: str) -> ModuleType:
		"""A module of the testing pack, such as `asynchronous`."""
		folder = str(self.base / 'custom_nodes' / 'testing-pack').replace('.', '_x_')
		return sys.modules[f'{folder}.nodes.{name}']
