"""What workflows run with: the nodes that are installed, models in memory, results that are kept."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pydantic import JsonValue
from pydantic_core import to_json

from engine.cancel import CancelToken
from engine.context import JobInfo
from engine.declaration import NodeInfo
from engine.errors import EngineError, InvalidGraph, JobCancelled
from engine.events import AnyEvent, Failure, JobFinished, NodeFinished, Ui
from engine.formats.prompt import write_prompt
from engine.graph import Call, Graph, Link, NodeId
from engine.runner import Runner
from engine.settings import Settings
from engine.spec import Context, NodeSpec, node, spec_of
from engine.storage import Storage

CAPTURE = 'lumengraph.capture'
Listener = Callable[[AnyEvent], None]


class RunFailed(EngineError):
	"""A workflow that was run from code has failed; `failure` is what a node raised, as data."""

	def __init__(self, failure: Failure) -> None:
		place = f'node {failure.node!r} ({failure.kind}): ' if failure.node else ''
		super().__init__(f'{place}{failure.message}')
		self.failure = failure


@dataclass(frozen=True)
class Outcome:
	"""What a run gave: per link that was asked for, the items of its value; per node what it showed."""

	values: Mapping[Link, list[object]] = field(default_factory=dict)
	shown: Mapping[NodeId, Ui] = field(default_factory=dict)
	failure: Failure | None = None


class Session:
	"""Packs are loaded once; models and results are kept from run to run. One run at a time, from any thread."""

	def __init__(self, settings: Settings | None = None, *, pack: str = 'nodes') -> None:
		self._listener: Listener | None = None
		self._captured: dict[NodeId, list[object]] = {}
		self._runner = Runner(settings or Settings(), self._hear, pack=pack)
		self._runner.kit.nodes.add(self._capturing(), origin='lumengraph')
		self._running = threading.Lock()
		self.nodes: Mapping[str, NodeInfo] = {info.kind: info for info in self._runner.nodes if info.kind != CAPTURE}

	def __enter__(self) -> Self:
		return self

	def __exit__(
		self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
	) -> None:
		self.close()

	@property
	def storage(self) -> Storage:
		"""The folders of files and models."""
		return self._runner.storage

	@property
	def device(self) -> str:
		"""The class of devices that it computes on, with its precisions: what equal pixels can be expected of."""
		return self._runner.profile

	@property
	def exports(self) -> Mapping[str, Callable[[Any], object]]:
		"""Socket → what makes a value of it something that Python programs know."""
		return self._runner.kit.exports

	def described(self) -> tuple[NodeInfo, ...]:
		"""The declarations with file choices filled in."""
		return self.storage.described(tuple(self.nodes.values()))

	def check(self, graph: Graph, *, tolerant: bool = False) -> Graph:
		"""The graph in normal form. Raises `InvalidGraph` with every problem."""
		checked = self._runner.check(graph, tolerant=tolerant)
		if checked.problems:
			raise InvalidGraph(checked.problems)
		return checked.graph

	def run(
		self,
		graph: Graph,
		*,
		values: Sequence[Link] = (),
		targets: Collection[NodeId] | None = None,
		beside: Mapping[str, JsonValue] | None = None,
		tolerant: bool = False,
		cancel: CancelToken | None = None,
		listener: Listener | None = None,
	) -> Outcome:
		"""Run a graph for the values of some links and for its sinks (those of `targets`, or all).

		`beside` is written into saved pictures. Raises `InvalidGraph`, and `JobCancelled` if `cancel` was.
		"""
		asked = {NodeId(f'{CAPTURE}:{index}'): link for index, link in enumerate(dict.fromkeys(values))}
		wanted = Graph({**graph.calls, **{node: Call(CAPTURE, {'value': link}) for node, link in asked.items()}})
		selected = None if targets is None else {*targets, *asked}
		with self._running:
			checked = self._runner.check(wanted, targets=selected, tolerant=tolerant)
			if checked.problems:
				raise InvalidGraph(checked.problems)
			job = JobInfo(
				str(uuid.uuid4()),
				prompt_json=to_json(write_prompt(graph), inf_nan_mode='constants').decode(),
				extra_pnginfo=beside or {},
			)
			shown: dict[NodeId, Ui] = {}
			self._listener = _collecting(shown, listener)
			try:
				finished = self._runner.run(checked.graph, checked.sinks, job, cancel or CancelToken())
			finally:
				self._listener = None
			captured, self._captured = self._captured, {}
		return _outcome(finished, {link: captured.get(node, []) for node, link in asked.items()}, shown)

	def files(self, ui: Ui) -> list[Path]:
		"""The files of what a node showed."""
		found: list[Path] = []
		for file in ui.files:
			with suppress(EngineError):
				found.append(self.storage.files.saved(file))
		return found

	def close(self) -> None:
		"""Let go of threads and files."""
		self._runner.close()

	def _hear(self, event: AnyEvent) -> None:
		if self._listener is not None:
			self._listener(event)

	def _capturing(self) -> NodeSpec:
		"""A sink that hands the items of what comes in to this session."""

		@node(kind=CAPTURE, category='internal', sink=True, caching='never', lane='cpu')
		def capture(context: Context, value: list[Any]) -> None:
			"""Keep a value for whoever runs the workflow."""
			self._captured[NodeId(context.node)] = value

		spec = spec_of(capture)
		if spec is None:
			raise TypeError('A function that is declared as a node has a spec.')
		return spec


@cache
def default_session() -> Session:
	"""The session of workflows that are given none: made when it is first needed, with the usual folders."""
	return Session()


def _collecting(shown: dict[NodeId, Ui], listener: Listener | None) -> Listener:
	def hear(event: AnyEvent) -> None:
		if isinstance(event, NodeFinished) and event.ui is not None:
			shown[NodeId(event.node)] = event.ui
		if listener is not None:
			listener(event)

	return hear


def _outcome(finished: JobFinished, values: Mapping[Link, list[object]], shown: Mapping[NodeId, Ui]) -> Outcome:
	if finished.state == 'cancelled':
		raise JobCancelled('The run was cancelled.')
	return Outcome(values, shown, finished.failure)
