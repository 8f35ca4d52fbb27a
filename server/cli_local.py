"""Runs a workflow in this process, and tells of it."""

from __future__ import annotations

import random
import signal
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from types import FrameType

from pydantic_core import to_json

from engine.axes import Values
from engine.cancel import CancelToken
from engine.context import JobInfo
from engine.errors import InvalidGraph
from engine.events import AnyEvent
from engine.formats.convert import beside_prompt
from engine.formats.dynamic import chosen_graph
from engine.formats.prompt import write_prompt
from engine.formats.workflow import Workflow
from engine.prefixes import with_prefixes
from engine.runner import Runner
from engine.settings import Settings
from engine.sweep import sweep
from server.cli_bundle import substituted, unpacked
from server.cli_convert import tell_doubts
from server.cli_report import FileReport, Lines, ResultLine, RunOutcome, exit_code, report_of
from server.cli_run import Wanted
from server.cli_source import find_workflow
from server.cli_sweep import axes_of
from server.cli_teller import Teller, stderr_console, tell_outcome, tell_runs
from server.cli_uploads import axes_taken_in, taken_in
from server.cli_values import changes_of, seeds_after, seeds_of, with_values


def run_here(wanted: Wanted, settings: Settings) -> int:
	"""Run a workflow as often as is wanted; gives the exit code. The first run that does not succeed is the last.

	Raises `BadDocument` or `InvalidGraph` before anything runs.
	"""
	began = time.perf_counter()
	console = stderr_console()
	lines = Lines()
	heard: list[Callable[[AnyEvent], None]] = []

	def publish(event: AnyEvent) -> None:
		for hear in heard:
			hear(event)

	cancel = CancelToken()
	runs: list[RunOutcome] = []
	with (
		unpacked(wanted.source, settings) as settings,
		closing(Runner(settings, publish)) as runner,
		cancel_on_interrupt(cancel),
	):
		nodes = runner.kit.nodes.infos
		workflow = find_workflow(wanted.source, settings, nodes)
		tell_doubts(workflow)
		workflow = with_values(workflow, substituted(wanted.source, workflow, runner))
		workflow = with_values(workflow, changes_of(workflow, nodes, wanted.changes, wanted.seed))
		workflow = with_values(workflow, taken_in(workflow, nodes, settings, wanted.source))
		axes = axes_taken_in(workflow, axes_of(workflow, nodes, wanted.sweeps), nodes, settings, wanted.source)
		source = random.Random(wanted.seed)  # noqa: S311 - a seed is no secret
		for number in range(wanted.count):
			if number:
				workflow = with_values(workflow, seeds_after(workflow, nodes, policy=wanted.seeds, source=source))
			with Teller(console) as teller:
				heard[:] = [teller.hear, lines.hear] if wanted.as_json else [teller.hear]
				runs.append(run_once(workflow, runner, teller, cancel, axes, source))
			if not wanted.as_json:
				tell_outcome(runs[-1], console)
			if runs[-1].state != 'succeeded':
				break
	report = report_of(runs, time.perf_counter() - began)
	if wanted.as_json:
		print(ResultLine(result=report).model_dump_json(), flush=True)
	tell_runs(report, console)
	return exit_code(runs[-1])


def run_once(
	workflow: Workflow,
	runner: Runner,
	teller: Teller,
	cancel: CancelToken,
	axes: Mapping[str, Values],
	source: random.Random,
) -> RunOutcome:
	"""One run, of every combination if there are `axes`, told to the teller; `source` chooses among dynamic prompts.

	Raises `InvalidGraph` and `WrongInputs` before anything runs.
	"""
	began = time.perf_counter()
	nodes = runner.kit.nodes.infos
	# What is beside the prompt in pictures still has all variants of a dynamic prompt.
	beside = beside_prompt(workflow, nodes)
	workflow = replace(workflow, graph=chosen_graph(workflow, nodes, source))
	swept = sweep(workflow, axes, nodes, runner.storage) if axes else None
	graph = with_prefixes(workflow.graph if swept is None else swept.graph, nodes)
	checked = runner.check(graph, tolerant=workflow.tolerant)
	if checked.problems:
		raise InvalidGraph(workflow.with_hints(checked.problems))
	job = JobInfo(
		str(uuid.uuid4()),
		prompt_json=to_json(write_prompt(checked.graph)).decode(),
		extra_pnginfo=beside if swept is None else swept.beside(beside),
	)
	outcome = runner.run(checked.graph, checked.sinks, job, cancel)
	return RunOutcome(
		job=job.id,
		state=outcome.state,
		seconds=round(time.perf_counter() - began, 3),
		seeds={seed.place: seed.value for seed in seeds_of(workflow, nodes)},
		nodes=teller.nodes,
		cached=teller.cached,
		files=[
			FileReport(node=done.node, path=runner.storage.files.saved(file))
			for done in teller.finished
			if done.ui is not None
			for file in done.ui.files
		],
		failure=outcome.failure,
		record=teller.record,
	)


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
