"""Runs a workflow by a running server, through `/v1`, and tells of it as if it ran here."""

from __future__ import annotations

import asyncio
import random
import signal
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from pydantic import JsonValue

from engine.axes import Values
from engine.declaration import NodeInfo
from engine.events import Event, JobDropped, JobFinished, SavedFile
from engine.formats.workflow import Workflow, read_workflow
from engine.settings import Settings
from server.api_client import ApiClient, ServerUnreachable
from server.cli_bundle import unpacked
from server.cli_codes import UNREACHABLE
from server.cli_convert import tell_doubts
from server.cli_report import FileReport, Lines, ResultLine, RunOutcome, exit_code, report_of
from server.cli_run import Wanted
from server.cli_source import is_name, open_file
from server.cli_sweep import axes_of
from server.cli_teller import Teller, stderr_console, tell_outcome, tell_runs
from server.cli_uploads import axes_with, local_inputs, values_of_axes
from server.cli_values import changes_of, seeds_after, seeds_of, with_values


def run_remotely(wanted: Wanted, settings: Settings, server: str, token: str) -> int:
	"""Run a workflow by a server as often as is wanted; gives the exit code.

	Raises `BadDocument`, and `ServerRefused` with the reasons, for what the server does not take.
	"""
	try:
		with unpacked(wanted.source, settings) as settings:
			return asyncio.run(_run(wanted, settings, server, token))
	except ServerUnreachable as error:
		stderr_console().print(f'error: {error}', markup=False)
		return UNREACHABLE


@dataclass(frozen=True, slots=True)
class Task:
	"""What all runs have in common."""

	client: ApiClient
	document: dict[str, JsonValue]
	nodes: Mapping[str, NodeInfo]
	folder: Path
	as_json: bool


async def _run(wanted: Wanted, settings: Settings, server: str, token: str) -> int:
	began = time.perf_counter()
	console = stderr_console()
	runs: list[RunOutcome] = []
	async with ApiClient(server, token) as client:
		nodes = await client.nodes()
		if is_name(wanted.source):
			workflow = read_workflow(await client.workflow(wanted.source), nodes)
		else:
			workflow = open_file(Path(wanted.source), nodes)
		task = Task(client, dict(workflow.source), nodes, settings.output_folder, wanted.as_json)
		tell_doubts(workflow)
		values = changes_of(workflow, nodes, wanted.changes, wanted.seed)
		workflow = with_values(workflow, values)
		axes = axes_of(workflow, nodes, wanted.sweeps)
		names: dict[tuple[str, int], str] = {}
		for axis, index, one, places in values_of_axes(workflow, axes):
			for place, path in local_inputs(one, nodes, settings, wanted.source):
				if place in places:
					names[axis, index] = await client.upload(path)
		axes = axes_with(axes, names)
		for place, path in local_inputs(workflow, nodes, settings, wanted.source):
			values[place] = await client.upload(path)
		workflow = with_values(workflow, values)
		source = random.Random(wanted.seed)  # noqa: S311 - a seed is no secret
		for number in range(wanted.count):
			if number:
				seeds = seeds_after(workflow, nodes, policy=wanted.seeds, source=source)
				workflow, values = with_values(workflow, seeds), {**values, **seeds}
			with Teller(console) as teller:
				runs.append(await run_once(task, workflow, values, teller, axes))
			if not wanted.as_json:
				tell_outcome(runs[-1], console)
			if runs[-1].state != 'succeeded':
				break
	report = report_of(runs, time.perf_counter() - began)
	if wanted.as_json:
		print(ResultLine(result=report).model_dump_json(), flush=True)
	tell_runs(report, console)
	return exit_code(runs[-1])


async def run_once(
	task: Task, workflow: Workflow, values: Mapping[str, JsonValue], teller: Teller, axes: Mapping[str, Values]
) -> RunOutcome:
	"""Submit a job, follow it to its end, fetch what it saved. Ctrl-C cancels it there; a second one ends the program."""
	began = time.perf_counter()
	job = str(uuid.uuid4())
	finished: Event | None = None
	await task.client.submit(task.document, values, job, axes)
	with cancelling(task.client, job):
		async for message in task.client.follow(job):
			if task.as_json:
				Lines.tell(message)
			teller.hear(message.event)
			if isinstance(message.event, JobFinished | JobDropped):
				finished = message.event
	state, failure = (
		('cancelled', None) if not isinstance(finished, JobFinished) else (finished.state, finished.failure)
	)
	return RunOutcome.model_validate(
		{
			'job': job,
			'state': state,
			'seconds': round(time.perf_counter() - began, 3),
			'seeds': {seed.place: seed.value for seed in seeds_of(workflow, task.nodes)},
			'nodes': teller.nodes,
			'cached': teller.cached,
			'files': await fetched(task, teller),
			'failure': failure,
			'record': teller.record,
		}
	)


@contextmanager
def cancelling(client: ApiClient, job: str) -> Iterator[None]:
	"""Let Ctrl-C cancel the job at the server; a second one ends the program at once, and the job goes on there."""
	loop = asyncio.get_running_loop()
	cancels: list[asyncio.Task[None]] = []

	def stop(number: int, frame: FrameType | None) -> None:
		if cancels:
			raise KeyboardInterrupt
		loop.call_soon_threadsafe(lambda: cancels.append(asyncio.ensure_future(client.cancel(job))))

	former = signal.signal(signal.SIGINT, stop)
	try:
		yield
	finally:
		signal.signal(signal.SIGINT, former)


async def fetched(task: Task, teller: Teller) -> list[FileReport]:
	"""Download what the job's nodes saved; what they only showed stays there."""
	found: list[FileReport] = []
	for done in teller.finished:
		for file in done.ui.files if done.ui is not None else ():
			if file.type == 'output':
				path = await place_file(task, file)
				found.append(FileReport(node=done.node, path=path))
	return found


async def place_file(task: Task, file: SavedFile) -> Path:
	"""Fetch a file into the output folder, under its own name; under another, if a different file has that."""
	content = await task.client.file(file)
	wanted = task.folder / Path(file.subfolder.replace('\\', '/')) / Path(file.filename).name
	if not wanted.resolve().is_relative_to(task.folder.resolve()):
		wanted = task.folder / Path(file.filename).name
	wanted.parent.mkdir(parents=True, exist_ok=True)
	path, number = wanted, 1
	while path.exists() and path.read_bytes() != content:
		number += 1
		path = wanted.with_name(f'{wanted.stem} ({number}){wanted.suffix}')
	path.write_bytes(content)
	return path.resolve()
