"""What people see of a run on standard error: a progress bar, and a line per node."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from engine.events import (
	Event,
	JobStarted,
	ModelLoading,
	NodeBlocked,
	NodeFinished,
	NodeProgress,
	NodesCached,
	NodeStarted,
)
from engine.record import RunRecord
from server.cli_report import NodeReport, RunOutcome, RunReport
from server.cli_why import in_words


def stderr_console() -> Console:
	"""Standard error, where all goes that is for people only."""
	return Console(stderr=True, highlight=False, soft_wrap=True)


def tell_outcome(outcome: RunOutcome, console: Console) -> None:
	"""Say how a run ended; the paths go to standard output, so that a script can read them."""
	if outcome.failure is not None:
		failure = outcome.failure
		place = f'node {failure.node!r} ({failure.kind}): ' if failure.node else ''
		console.print(f'[red]failed[/red] {escape(place + failure.message)}')
	elif outcome.state == 'cancelled':
		console.print('[yellow]cancelled[/yellow]')
	else:
		ran = sum(not node.cached for node in outcome.nodes)
		console.print(f'{ran} nodes ran, {len(outcome.cached)} from the cache, {outcome.seconds:.1f} s')
	for file in outcome.files:
		print(file.path, flush=True)


def tell_runs(report: RunReport, console: Console) -> None:
	"""Of several runs, say how they went as a whole, with the seeds of each."""
	if len(report.runs) < 2:
		return
	for number, run in enumerate(report.runs, 1):
		seeds = ', '.join(f'{place} {seed}' for place, seed in run.seeds.items())
		files = ', '.join(str(file.path) for file in run.files) or 'no files'
		console.print(f'run {number}: {run.state}; {escape(seeds)}; {escape(files)}')


class Teller:
	"""Turns events into a progress bar and a line per node."""

	def __init__(self, console: Console) -> None:
		self.finished: list[NodeFinished] = []
		self.nodes: list[NodeReport] = []
		self.record: RunRecord | None = None
		self._cached: dict[str, None] = {}
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

	@property
	def cached(self) -> list[str]:
		"""The nodes whose results were in the cache, whether or not anything had to be taken from there."""
		return list(self._cached)

	def __enter__(self) -> Teller:
		self._progress.start()
		return self

	def __exit__(self, *_: object) -> None:
		self._progress.stop()

	def hear(self, event: Event) -> None:
		"""Take in an event of the running job."""
		match event:
			case JobStarted():
				self.record = event.record
			case NodesCached():
				self._cached = dict.fromkeys(event.nodes)
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
		if event.cached:
			self._cached[event.node] = None
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
