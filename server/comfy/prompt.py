"""`/prompt`: read a graph, check it, queue it."""

from __future__ import annotations

import time
from collections.abc import Sequence

from aiohttp import web
from pydantic import JsonValue

from engine.errors import BadDocument
from engine.jobs import IdTaken, Submission
from engine.logcontext import JOB
from engine.previews import preview_method
from server.checking import judge
from server.comfy.messages import milliseconds, queue_status
from server.comfy.problems import node_errors, refusal, refused
from server.comfy.replacing import with_replacements
from server.errors import BadRequest, TooLarge, TooSlow, status_of
from server.http import read_body, reply
from server.keys import PREVIEWS, PROMPTS, QUEUE, STORAGE
from server.schemas.prompt import PromptAccepted, PromptRefused, PromptRequest
from server.submitting import enqueue

SECRETS = ('auth_token_comfy_org', 'api_key_comfy_org')
USAGE_HEADER = 'Comfy-Usage-Source'


async def show_status(request: web.Request) -> web.Response:
	"""How many jobs wait or run."""
	return reply(queue_status(request.app[QUEUE].remaining))


async def queue_prompt(request: web.Request) -> web.Response:
	"""Queue a graph for those of its sinks that can be made; 400 with every reason if none can."""
	try:
		wanted = await read_body(request, PromptRequest)
	except (BadRequest, TooLarge, TooSlow) as error:
		return refuse(refusal('invalid_request', str(error)), status_of(type(error)))
	queue = request.app[QUEUE]
	# A refused prompt uses up a number too.
	number = queue.take_number(front=wanted.front is True) if wanted.number is None else wanted.number
	if wanted.prompt is None:
		return refuse(refusal('no_prompt', 'The request has no prompt'))
	if wanted.prompt_id == '':
		return refuse(refusal('invalid_prompt_id', 'A prompt_id cannot be empty; leave it out to be given one'))
	try:
		graph = request.app[PROMPTS].read(wanted.prompt)
	except BadDocument as error:
		return refuse(refusal('invalid_prompt', 'The prompt cannot be read', str(error)))
	graph = await with_replacements(request.app, graph)
	try:
		nodes, checked = await judge(request.app, graph, targets=wanted.partial_execution_targets, tolerant=True)
	except TooLarge as error:
		return refuse(refusal('prompt_too_large', str(error)), status_of(type(error)))
	storage = request.app[STORAGE]
	nothing = refused(checked, nodes, storage)
	if nothing is not None:
		return refuse(nothing)
	submission = Submission(
		graph=checked.graph,
		targets=checked.good_sinks,
		client=client_of(wanted),
		extra=extra_of(wanted, request.headers.get(USAGE_HEADER)),
		secrets={
			name: value for name in SECRETS if isinstance(value := (wanted.extra_data or {}).get(name), str) and value
		},
		previews=preview_method((wanted.extra_data or {}).get('preview_method'), request.app[PREVIEWS]),
	)
	try:
		job = await enqueue(request.app, submission, id=wanted.prompt_id, number=number)
	except IdTaken:
		return refuse(refusal('invalid_prompt_id', f'There is a job {wanted.prompt_id!r} already'))
	JOB.set(job.id)
	errors = node_errors(checked, nodes, storage) if checked.problems else {}
	return reply(PromptAccepted(prompt_id=job.id, number=job.number, node_errors=errors), exclude_unset=True)


def refuse(body: PromptRefused, status: int = 400) -> web.Response:
	"""A refusal with both keys that clients look for."""
	return reply(body, status=status, exclude_unset=True)


def client_of(wanted: PromptRequest) -> str:
	"""Whose job it is; some clients say so only in the extra data."""
	named = (wanted.extra_data or {}).get('client_id')
	return wanted.client_id or (named if isinstance(named, str) else '')


def extra_of(wanted: PromptRequest, usage: str | None) -> dict[str, JsonValue]:
	"""What goes along with the job, for everybody to see: no secrets.

	`usage` says what the client is, unless the extra data do.
	"""
	extra = {key: value for key, value in (wanted.extra_data or {}).items() if key not in SECRETS}
	if wanted.client_id is not None:
		extra['client_id'] = wanted.client_id
	if usage is not None:
		extra.setdefault('comfy_usage_source', usage)
	extra['create_time'] = milliseconds(time.time())
	return extra


routes: Sequence[web.RouteDef] = (web.get('/prompt', show_status), web.post('/prompt', queue_prompt))
