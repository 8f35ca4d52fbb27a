"""`lumengraph run`: one workflow file, in this process, with a progress bar."""

from __future__ import annotations

import signal
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from types import FrameType
from typing import Literal

from pydantic import BaseModel, JsonValue
from pydantic_core import to_json
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from engine.cancel import CancelToken
from engine.context import JobInfo
from engine.declaration import Number
from engine.errors import BadDocument, InvalidGraph
from engine.events import (
	AnyEvent,
	Failure,
	JobFinished,
	ModelLoading,
	NodeBlocked,
	NodeFinished,
	NodeProgress,
	NodesCached,
	NodeStarted,
	Why,
)
from engine.formats.convert import beside_prompt
from engine.formats.prompt import write_prompt
from engine.formats.workflow import Workflow, open_workflow, parse_json
from engine.graph import Constant
from engine.runner import Runner
from engine.settings import Settings
from server.cli import BAD_INPUT, FAILED, INTERRUPTED, OK
from server.cli_convert import tell_doubts
from server.cli_why import in_words


class NodeReport(BaseModel):
	"""What became of one node."""

	node: str
	kind: str
	cached: bool
	seconds: float
	why: Why | None


class FileReport(BaseModel):
	"""A file that a node saved."""

	node: str
	path: Path


class RunReport(BaseModel):
	"""The outcome, as `--json` prints it."""

	state: Literal['succeeded', 'failed', 'cancelled']
	seconds: float
	nodes: list[NodeReport]
	files: list[FileReport]
	failure: Failure | None = None


def run_file(
	file: Path, settings: Settings, *, changes: Sequence[str] = (), seed: str | None = None, as_json: bool = False
) -> int:
	"""Run a workflow file and tell of it; gives the exit code.

	Raises `BadDocument` or `InvalidGraph` before anything runs.
	"""
	began = time.perf_counter()
	console = Console(stderr=True, highlight=False, soft_wrap=True)
	teller = Teller(console)
	cancel = CancelToken()
	with closing(Runner(settings, teller.hear)) as runner:
		workflow = open_workflow(file, runner.kit.nodes.infos)
		tell_doubts(workflow)
		workflow = prepared(workflow, runner, changes, seed)
		checked = runner.check(workflow.graph, tolerant=workflow.tolerant)
		if checked.problems:
			raise InvalidGraph(workflow.with_packs(checked.problems))
		job = JobInfo(
			str(uuid.uuid4()),
			prompt_json=to_json(write_prompt(checked.graph)).decode(),
			extra_pnginfo=beside_prompt(workflow, runner.kit.nodes.infos),
		)
		with teller, cancel_on_interrupt(cancel):
			outcome = runner.run(checked.graph, checked.sinks, job, cancel)
	report = RunReport(
		state=outcome.state,
		seconds=round(time.perf_counter() - began, 3),
		nodes=teller.nodes,
		files=[
			FileReport(node=done.node, path=runner.storage.files.saved(image))
			for done in teller.finished
			if done.ui is not None
			for image in done.ui.images
		],
		failure=outcome.failure,
	)
	if as_json:
		print(report.model_dump_json(indent=2))
	else:
		tell_outcome(report, console)
	return exit_code(outcome)


def prepared(workflow: Workflow, runner: Runner, changes: Sequence[str], seed: str | None) -> Workflow:
	"""The workflow with the changes of the command line. Raises `BadDocument` for one that fits nowhere."""
	for change in changes:
		name, equals, text = change.partition('=')
		if not equals:
			raise BadDocument(f'--set wants NAME=VALUE, got {change!r}.')
		workflow = workflow.with_value(name, as_value(workflow, runner, name, text))
	if seed is None:
		return workflow
	if 'seed' in workflow.inputs:
		return workflow.with_value('seed', seed)
	places = [
		f'{node}.{item.name}'
		for node, call in workflow.graph.calls.items()
		if call.kind in runner.kit.nodes
		for item in runner.kit.nodes[call.kind].info.inputs
		if isinstance(item.widget, Number) and item.widget.seed and isinstance(call.inputs.get(item.name), Constant)
	]
	if not places:
		raise BadDocument('--seed: no node of this workflow has a seed.')
	for place in places:
		workflow = workflow.with_value(place, seed)
	return workflow


def as_value(workflow: Workflow, runner: Runner, name: str, text: str) -> JsonValue:
	"""What is typed after NAME=, seen as the type of the input it is for."""
	node, given = workflow.place(name)
	kind = workflow.graph.calls[node].kind
	declared = runner.kit.nodes[kind].info.inputs_by_name.get(given) if kind in runner.kit.nodes else None
	match declared.type if declared is not None else 'STRING':
		case 'BOOLEAN' if text.lower() in ('true', 'false'):
			return text.lower() == 'true'
		case 'STRING' | 'COMBO' | 'INT' | 'FLOAT':
			return text
		case _:
			return parse_json(text, where=f'--set {name}')


def tell_outcome(report: RunReport, console: Console) -> None:
	"""Say how it ended; the paths go to standard output, so that a script can read them."""
	if report.failure is not None:
		failure = report.failure
		place = f'node {failure.node!r} ({failure.kind}): ' if failure.node else ''
		console.print(f'[red]failed[/red] {escape(place + failure.message)}')
	elif report.state == 'cancelled':
		console.print('[yellow]cancelled[/yellow]')
	else:
		ran = sum(not node.cached for node in report.nodes)
		console.print(f'{ran} nodes ran, {len(report.nodes) - ran} from the cache, {report.seconds:.1f} s')
	for file in report.files:
		print(file.path)


def exit_code(outcome: JobFinished) -> int:
	"""0, 2 when a node refused what it was given, 1 when it broke, 130 when somebody stopped it."""
	if outcome.state == 'cancelled':
		return INTERRUPTED
	if outcome.failure is None:
		return OK
	return BAD_INPUT if outcome.failure.exception_type.startswith('engine.errors.') else FAILED


@contextmanager
def cancel_on_interrupt(cancel: CancelToken) -> Iterator[None]:
	"""Let Ctrl-C end the job at its next step; a second one ends the program at once."""

	def stop(number: int, frame: FrameType | None) -> None:
		if cancel.cancelled:
			raise KeyboardInterrupt
		cancel.cancel()

	former = signal.signal(signal.SIGINT, stop)
	try:
		yield
	finally:
		signal.signal(signal.SIGINT, former)


class Teller:
	"""Turns events into a progress bar and a line per node."""

	def __init__(self, console: Console) -> None:
		self.finished: list[NodeFinished] = []
		self.nodes: list[NodeReport] = []
		self._cached: tuple[str, ...] = ()
		self._console = console
		self._progress = Progress(
			TextColumn('{task.description}'),
			BarColumn(),
			MofNCompleteColumn(),
			TimeElapsedColumn(),
			console=console,
			transient=True,
			disable=not sys.stderr.isatty(),
		)
		self._total: TaskID | None = None
		self._bars: dict[str, TaskID] = {}

	def __enter__(self) -> Teller:
		self._progress.start()
		return self

	def __exit__(self, *_: object) -> None:
		self._progress.stop()

	def hear(self, event: AnyEvent) -> None:
		"""Take in an event of the running job."""
		match event:
			case NodesCached():
				self._cached = event.nodes
				self._total = self._progress.add_task('nodes', total=len(event.pending))
			case NodeStarted() if event.node not in self._bars:
				self._bars[event.node] = self._progress.add_task(escape(f'  {event.node} ({event.kind})'), total=None)
			case NodeProgress() if event.node in self._bars:
				self._progress.update(self._bars[event.node], completed=event.done, total=event.total)
			case ModelLoading() if event.node in self._bars and event.total:
				self._progress.update(self._bars[event.node], completed=event.done >> 20, total=event.total >> 20)
			case NodeFinished():
				self._finish(event)
			case NodeBlocked():
				self._console.print(
					f'  {"skipped":>8}  {escape(event.node)} [dim]({escape(event.kind)})[/dim]: {escape(event.message)}'
				)

	def _finish(self, event: NodeFinished) -> None:
		self.finished.append(event)
		self.nodes.append(
			NodeReport(
				node=event.node,
				kind=event.kind,
				cached=event.cached,
				seconds=round(event.seconds, 4),
				why=event.why,
			)
		)
		bar = self._bars.pop(event.node, None)
		if bar is not None:
			self._progress.remove_task(bar)
		if self._total is not None and not event.cached:
			self._progress.advance(self._total)
		how = 'cached' if event.cached else f'{event.seconds:6.2f} s'
		reason = in_words(event.why)
		why = f': {escape(reason)}' if reason else ''
		self._console.print(f'  {how:>8}  {escape(event.node)} [dim]({escape(event.kind)}){why}[/dim]')
