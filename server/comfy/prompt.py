"""`/prompt`: read a graph, check it, queue it."""

from __future__ import annotations

import time
from collections.abc import Sequence

from aiohttp import web
from pydantic import JsonValue

from engine.errors import BadDocument
from engine.formats.prompt import read_prompt
from engine.jobs import IllegalTransition, Submission
from server.checking import judge
from server.comfy.messages import milliseconds, queue_status
from server.comfy.problems import node_errors, refusal, refused
from server.errors import BadRequest
from server.http import read_body, reply
from server.keys import QUEUE, STORAGE
from server.schemas.prompt import PromptAccepted, PromptRefused, PromptRequest

SECRETS = frozenset({'auth_token_comfy_org', 'api_key_comfy_org'})
PREVIEW_METHODS = ('auto', 'latent2rgb', 'taesd')


async def show_status(request: web.Request) -> web.Response:
	"""How many jobs wait or run."""
	return reply(queue_status(request.app[QUEUE].remaining))


async def queue_prompt(request: web.Request) -> web.Response:
	"""Queue a graph for those of its sinks that can be made; 400 with every reason if none can."""
	try:
		wanted = await read_body(request, PromptRequest)
	except BadRequest as error:
		return refuse(refusal('invalid_request', str(error)))
	queue = request.app[QUEUE]
	# A refused prompt uses up a number too.
	number = queue.take_number(front=wanted.front is True) if wanted.number is None else wanted.number
	if wanted.prompt is None:
		return refuse(refusal('no_prompt', 'The request has no prompt'))
	if wanted.prompt_id == '':
		return refuse(refusal('invalid_prompt_id', 'A prompt_id cannot be empty; leave it out to be given one'))
	try:
		graph = read_prompt(wanted.prompt)
	except BadDocument as error:
		return refuse(refusal('invalid_prompt', 'The prompt cannot be read', str(error)))
	nodes, checked = await judge(request.app, graph, targets=wanted.partial_execution_targets, tolerant=True)
	storage = request.app[STORAGE]
	nothing = refused(checked, nodes, storage)
	if nothing is not None:
		return refuse(nothing)
	submission = Submission(
		graph=checked.graph,
		targets=checked.good_sinks,
		client=client_of(wanted),
		extra=extra_of(wanted),
		previews=(wanted.extra_data or {}).get('preview_method') in PREVIEW_METHODS,
	)
	try:
		job = queue.submit(submission, id=wanted.prompt_id, number=number)
	except IllegalTransition:
		return refuse(refusal('invalid_prompt_id', f'There is a job {wanted.prompt_id!r} already'))
	errors = node_errors(checked, nodes, storage) if checked.problems else {}
	return reply(PromptAccepted(prompt_id=job.id, number=job.number, node_errors=errors), exclude_unset=True)


def refuse(body: PromptRefused) -> web.Response:
	"""400 with both keys that clients look for."""
	return reply(body, status=400, exclude_unset=True)


def client_of(wanted: PromptRequest) -> str:
	"""Whose job it is; some clients say so only in the extra data."""
	named = (wanted.extra_data or {}).get('client_id')
	return wanted.client_id or (named if isinstance(named, str) else '')


def extra_of(wanted: PromptRequest) -> dict[str, JsonValue]:
	"""What goes along with the job. Secrets are dropped here, so that no listing can show them."""
	extra = {key: value for key, value in (wanted.extra_data or {}).items() if key not in SECRETS}
	if wanted.client_id is not None:
		extra['client_id'] = wanted.client_id
	extra['create_time'] = milliseconds(time.time())
	return extra


routes: Sequence[web.RouteDef] = (web.get('/prompt', show_status), web.post('/prompt', queue_prompt))
