"""`lumengraph cache`: what is kept of the nodes' results, why nodes ran, clearing, pinning."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from engine.errors import EngineError, InvalidGraph, NotFound
from engine.report import KEPT_RUNS, Reports, RunReport, StepReport
from server.cli_flags import settings_from
from server.cli_source import SOURCE, find_workflow
from server.cli_why import in_words

if TYPE_CHECKING:
	from engine.cache import CacheKey
	from engine.disk import DiskCache
	from engine.runner import Runner


MOST_KINDS = 20


class NoDiskCache(EngineError):
	"""Something is wanted of a cache on disk, and there is none."""

	def __init__(self) -> None:
		super().__init__('There is no cache on disk that could be used.')


class NoReport(NotFound):
	"""Nothing is known of a run."""


def add_cache_commands(parser: argparse.ArgumentParser, folders: argparse.ArgumentParser) -> None:
	"""The grammar of `cache …`."""
	commands = parser.add_subparsers(title='commands', metavar='COMMAND', required=True)
	stats = commands.add_parser('stats', parents=[folders], help='how much is kept on disk')
	stats.set_defaults(command=_stats)
	why = commands.add_parser('why', parents=[folders], help='which nodes of a run were called, and why')
	why.add_argument('job', nargs='?', metavar='JOB', help='the id of the run, or its beginning (default: the last)')
	why.add_argument('node', nargs='?', metavar='NODE', help='only this node, with what it was given')
	why.set_defaults(command=_why)
	clear = commands.add_parser('clear', parents=[folders], help='drop all kept results')
	clear.set_defaults(command=_clear)
	for name, action, what in (
		('pin', _pin, 'keep the results of a workflow file, however full the disk gets'),
		('unpin', _unpin, 'let them go again like others'),
	):
		command = commands.add_parser(name, parents=[folders], help=what)
		command.add_argument('file', metavar='FILE', help=SOURCE)
		command.set_defaults(command=action)


def _stats(options: argparse.Namespace) -> int:
	with opened(options) as (_, disk):
		stats = disk.stats()
		kinds = disk.seconds_by_kind()
	print(f'{disk.folder}: {stats.entries} results, {mebibytes(stats.nbytes)} of {mebibytes(stats.budget)}')
	print(f'pinned: {stats.pinned}')
	for kind, (times, seconds) in sorted(kinds.items(), key=lambda item: -item[1][0] * item[1][1])[:MOST_KINDS]:
		print(f'  {kind:<28} {times:>7} kept, {seconds:.3f} s each')
	return 0


def mebibytes(nbytes: int) -> str:
	"""A number of bytes for people."""
	return f'{nbytes / 2**20:.1f} MiB'


def _clear(options: argparse.Namespace) -> int:
	with opened(options) as (_, disk):
		disk.clear()
	return 0


def _pin(options: argparse.Namespace) -> int:
	with opened(options) as (runner, disk):
		keys = keys_of(options, runner)
		disk.pin(keys)
	print(f'{options.file}: the results of {len(keys)} nodes are kept')
	return 0


def _unpin(options: argparse.Namespace) -> int:
	with opened(options) as (runner, disk):
		keys = keys_of(options, runner)
		disk.unpin(keys)
	print(f'{options.file}: the results of {len(keys)} nodes may go')
	return 0


@contextmanager
def opened(options: argparse.Namespace) -> Iterator[tuple[Runner, DiskCache]]:
	"""The engine, and its cache on disk; `NoDiskCache` if there is none."""
	from engine.runner import Runner
	from engine.tiers import disk_of

	with closing(Runner(settings_from(options), lambda event: None)) as runner:
		disk = disk_of(runner.cache)
		if disk is None:
			raise NoDiskCache
		yield runner, disk


def keys_of(options: argparse.Namespace, runner: Runner) -> tuple[CacheKey, ...]:
	"""The keys of all that the workflow of a command needs. `InvalidGraph` with every problem if it has any."""
	workflow = find_workflow(options.file, settings_from(options), runner.kit.nodes.infos)
	checked = runner.check(workflow.graph, tolerant=workflow.tolerant)
	if checked.problems:
		raise InvalidGraph(checked.problems)
	return runner.step_keys(checked.graph, checked.sinks)


def _why(options: argparse.Namespace) -> int:
	report = find_report(Reports(settings_from(options).cache_folder / 'runs'), options.job)
	steps = report.steps
	if options.node is not None:
		steps = tuple(step for step in steps if step.node == options.node)
		if not steps:
			raise NoReport(f'Run {report.job} has no node {options.node!r}.')
	print(f'run {report.job}: {report.state}, {report.seconds:.1f} s')
	for step in steps:
		print(step_line(step))
		if options.node is not None:
			for line in inputs_of(step):
				print(line)
	return 0


def find_report(reports: Reports, job: str | None) -> RunReport:
	"""The report of a run, by its id or the beginning of it; the last one's without. `NoReport` if there is none."""
	if job is None:
		found = reports.last()
		if found is None:
			raise NoReport('No run is kept yet.')
		return found
	exact = reports.of_job(job)
	if exact is not None:
		return exact
	for report in reports.newest(KEPT_RUNS):
		if report.job.startswith(job):
			return report
	raise NoReport(f'Nothing is kept of a run {job!r}.')


def step_line(step: StepReport) -> str:
	"""`  ran       0.52 s  sample (KSampler): an input changed`."""
	how = f'ran    {step.seconds:8.2f} s' if step.ran else f'cached {"":>10}'
	return f'  {how}  {step.node} ({step.kind}): {in_words(step.why)}'


def inputs_of(step: StepReport) -> list[str]:
	"""What a node was given, a line each."""
	lines = []
	for name, trace in step.inputs.items():
		given = f'output {trace.output} of {trace.source}' if trace.source is not None else trace.constant
		lines.append(f'      {name}: {given}')
	return lines
