"""From a request to a job in the queue: read, set inputs, check, queue, and wait until it is written down."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from aiohttp import web
from pydantic import JsonValue, ValidationError

from engine.declaration import NodeInfo
from engine.errors import InvalidGraph
from engine.formats.convert import beside_prompt
from engine.formats.dynamic import chosen_graph
from engine.formats.interface import interface_of
from engine.formats.workflow import Workflow, read_workflow
from engine.jobs import Job, KeyTaken, Submission
from engine.prefixes import with_prefixes
from engine.previews import PreviewMethod
from engine.sweep import SweepTable, sweep
from server.checking import judge
from server.keys import QUEUE, STORAGE, STORE, SUPERVISOR
from server.schemas.runs import JobRequest, RunRequest, WorkflowJobRequest
from server.store.writer import NotStored
from server.worker import known_nodes


async def submit(app: web.Application, wanted: JobRequest) -> tuple[Job, bool]:
	"""Queue what was asked for; gives the job, and whether it is new.

	Raises `BadDocument` for what is no workflow, `WrongInputs` for inputs that are not there and for a sweep over values that
	an input does not take, `InvalidGraph` with everything that is wrong, `IdTaken`, `NotStored`.
	"""

	async def read(nodes: Mapping[str, NodeInfo]) -> Workflow:
		return read_workflow(wanted.workflow, nodes).with_values(wanted.inputs)

	return await _submit(app, wanted, read)


async def call_workflow(
	app: web.Application, document: dict[str, JsonValue], wanted: WorkflowJobRequest
) -> tuple[Job, bool]:
	"""Queue a saved workflow with values for its named inputs; otherwise as `submit`.

	Raises `WrongInputs` with everything that is wrong with the values.
	"""

	def called(nodes: Mapping[str, NodeInfo]) -> Workflow:
		workflow = read_workflow(document, nodes)
		interface = interface_of(workflow, nodes)
		return workflow.with_values(
			interface.accept(wanted.inputs, app[STORAGE], given_otherwise=frozenset(wanted.sweep))
		)

	# Which files may be chosen is looked up on disk.
	return await _submit(app, wanted, lambda nodes: asyncio.to_thread(called, nodes))


async def _submit(
	app: web.Application, wanted: RunRequest, read: Callable[[Mapping[str, NodeInfo]], Awaitable[Workflow]]
) -> tuple[Job, bool]:
	if wanted.key:
		known = await of_key(app, wanted.key)
		if known is not None:
			return known, False
	nodes = await known_nodes(app[SUPERVISOR])
	workflow = await read(nodes)
	# What is beside the prompt in pictures still has all variants of a dynamic prompt, as in those of ComfyUI.
	graph, targets = chosen_graph(workflow, nodes, random.SystemRandom()), wanted.targets
	extra: dict[str, JsonValue] = {'extra_pnginfo': beside_prompt(workflow, nodes)}
	if wanted.sweep:
		swept = await asyncio.to_thread(sweep, replace(workflow, graph=graph), wanted.sweep, nodes, app[STORAGE])
		graph = swept.graph
		targets = None if targets is None else swept.table.targets(targets)
		extra = {
			'extra_pnginfo': swept.beside(beside_prompt(workflow, nodes)),
			'sweep': swept.table.model_dump(mode='json'),
		}
	_, checked = await judge(app, with_prefixes(graph, nodes), targets=targets, tolerant=workflow.tolerant)
	if checked.problems:
		raise InvalidGraph(workflow.with_hints(checked.problems))
	# While this was checked, the same request may have come again.
	known = app[QUEUE].of_key(wanted.key)
	if known is not None:
		await app[STORE].writer.settled()
		return known, False
	submission = Submission(
		graph=checked.graph,
		targets=checked.good_sinks,
		client=wanted.client,
		extra={**extra, **wanted.extra},
		previews=_method(wanted.previews),
		key=wanted.key,
		webhook=wanted.webhook,
	)
	try:
		return await enqueue(app, submission, id=wanted.id, number=wanted.number, front=wanted.front), True
	except KeyTaken as taken:
		# Its job has even come to an end meanwhile.
		return await app[STORE].archive.job(taken.job), False


def _method(wanted: bool | PreviewMethod) -> PreviewMethod:
	if isinstance(wanted, bool):
		return 'auto' if wanted else 'none'
	return wanted


async def enqueue(
	app: web.Application,
	submission: Submission,
	*,
	id: str | None = None,
	number: float | None = None,
	front: bool = False,
) -> Job:
	"""Queue a submission, and wait until it is written down: what is answered for is not lost, whatever happens next.

	Raises `IdTaken`, `KeyTaken`, and `NotStored`: then it is not queued, but if it has begun meanwhile, it goes on. A key
	that is known brings the job that has it.
	"""
	queue = app[QUEUE]
	job = queue.submit(submission, id=id, number=queue.take_number(front=front) if number is None else number)
	try:
		await app[STORE].writer.settled()
	except NotStored:
		if job.submission is submission:
			queue.remove([job.id])
		raise
	return job


def sweep_of(job: Job) -> SweepTable | None:
	"""What the combinations of a sweep are; None for any other job."""
	try:
		return SweepTable.model_validate(job.submission.extra.get('sweep'))
	except ValidationError:
		return None


async def of_key(app: web.Application, key: str) -> Job | None:
	"""The job that was submitted with a key, live or over, once it is written down. Raises `NotStored`."""
	live = app[QUEUE].of_key(key)
	if live is None:
		return await app[STORE].archive.of_key(key)
	await app[STORE].writer.settled()
	return live
