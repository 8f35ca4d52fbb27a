"""From a request to a job in the queue: read, set inputs, check, queue, and wait until it is written down."""

from __future__ import annotations

from aiohttp import web

from engine.errors import InvalidGraph
from engine.formats.convert import beside_prompt
from engine.formats.workflow import read_workflow
from engine.jobs import Job, KeyTaken, Submission
from engine.previews import PreviewMethod
from server.checking import judge
from server.keys import QUEUE, STORE, SUPERVISOR
from server.schemas.runs import JobRequest
from server.store.writer import NotStored
from server.worker import known_nodes


async def submit(app: web.Application, wanted: JobRequest) -> tuple[Job, bool]:
	"""Queue what was asked for; gives the job, and whether it is new.

	Raises `BadDocument` for what is no workflow, `InvalidGraph` with everything that is wrong, `IdTaken`, `NotStored`.
	"""
	if wanted.key:
		known = await of_key(app, wanted.key)
		if known is not None:
			return known, False
	nodes = await known_nodes(app[SUPERVISOR])
	workflow = read_workflow(wanted.workflow, nodes)
	for name, value in wanted.inputs.items():
		workflow = workflow.with_value(name, value)
	_, checked = await judge(app, workflow.graph, targets=wanted.targets, tolerant=workflow.tolerant)
	if checked.problems:
		raise InvalidGraph(workflow.with_packs(checked.problems))
	# While this was checked, the same request may have come again.
	known = app[QUEUE].of_key(wanted.key)
	if known is not None:
		await app[STORE].writer.settled()
		return known, False
	submission = Submission(
		graph=checked.graph,
		targets=checked.good_sinks,
		client=wanted.client,
		extra={'extra_pnginfo': beside_prompt(workflow, nodes), **wanted.extra},
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


async def of_key(app: web.Application, key: str) -> Job | None:
	"""The job that was submitted with a key, live or over, once it is written down. Raises `NotStored`."""
	live = app[QUEUE].of_key(key)
	if live is None:
		return await app[STORE].archive.of_key(key)
	await app[STORE].writer.settled()
	return live
