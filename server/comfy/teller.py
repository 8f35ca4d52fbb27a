"""Tells connected clients what happens: subscribed to the bus, it gives each event its messages, in the dialect's order.

A job's events go to the socket of the client that submitted it. A job without a client is run in silence, but for its
interruption, which everybody hears of.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import dataclass

from engine.events import (
	Event,
	GraphExpanded,
	JobDropped,
	JobFinished,
	JobProgress,
	JobQueued,
	JobStarted,
	ModelDownload,
	ModelLoading,
	ModelsChanged,
	NodeBlocked,
	NodeFinished,
	NodeMessage,
	NodePreview,
	NodeProgress,
	NodesCached,
	NodeStarted,
	NodeText,
	QueueChanged,
)
from engine.jobs import Job
from engine.queue import JobQueue
from server.comfy.frames import Preview, Text
from server.comfy.messages import blocked, status, told
from server.comfy.places import Places
from server.comfy.progress import NodeStates, Tick
from server.comfy.sockets import Client, Hub
from server.schemas.load_messages import ModelLoadingData, ModelLoadingMessage
from server.schemas.messages import (
	Announcement,
	Executed,
	ExecutedData,
	Executing,
	ExecutingData,
	ExecutingNothing,
	JobProgressData,
	JobProgressMessage,
	PreviewInfo,
	Progress,
	ProgressData,
)


@dataclass
class Telling:
	"""What is known of a running job. `heard` is the socket that was told last: a newer one is told everything."""

	owner: str
	targets: Collection[str]
	places: Places
	states: NodeStates
	heard: Client | None = None
	due: asyncio.Handle | None = None


class Teller:
	"""One per server. Keeps of a running job how far its nodes have come, and where they are shown."""

	def __init__(self, queue: JobQueue, hub: Hub) -> None:
		self._queue = queue
		self._hub = hub
		self._running: dict[str, Telling] = {}
		self._over: list[tuple[str, str]] = []

	def hear(self, event: Event) -> None:
		"""Called by the bus for every event; never waits."""
		if isinstance(event, QueueChanged):
			self._queue_changed(event)
			return
		if isinstance(event, ModelsChanged | ModelDownload):
			return  # The dialect has no words for these: clients ask again when they open a list.
		if isinstance(event, JobQueued | JobDropped):
			self._forget(event.job)
			return
		telling = self._running.get(event.job)
		if telling is None:
			telling = self._running[event.job] = self._telling(self._queue.get(event.job))
		if isinstance(event, JobFinished):
			self._job_finished(event, telling)
		elif isinstance(event, JobStarted | NodesCached):
			self._tell(event, telling)
		else:
			self._node_event(event, telling)

	def _telling(self, job: Job) -> Telling:
		submission = job.submission
		places = Places(submission.graph)
		return Telling(submission.client, frozenset(submission.targets), places, NodeStates(job.id, places))

	def _queue_changed(self, event: QueueChanged) -> None:
		"""The queue publishes this right after a job's end: clients learn that it is over after they may ask for it."""
		self._hub.broadcast(status(event.remaining))
		for owner, job in self._over:
			self._hub.send(owner, Executing(data=ExecutingNothing(prompt_id=job)))
		self._over.clear()

	def _forget(self, job: str) -> None:
		"""A job is not running, or not any more; one that waits again is told anew when it begins again."""
		telling = self._running.pop(job, None)
		if telling is not None and telling.due is not None:
			telling.due.cancel()

	def _job_finished(self, event: JobFinished, telling: Telling) -> None:
		self._forget(event.job)
		if event.state == 'failed' and event.node is not None:
			telling.states.fail(event.node)
		if telling.states.begun:
			self._hub.send(telling.owner, telling.states.whole())
		message = told(event, telling.places)
		if message is not None and event.state == 'cancelled' and not telling.owner:
			self._hub.broadcast(message)
		elif message is not None:
			self._hub.send(telling.owner, message)
		self._over.append((telling.owner, event.job))

	def _node_event(self, event: Event, telling: Telling) -> None:
		client = self._hub.find(telling.owner)
		states = telling.states
		match event:
			case GraphExpanded():
				telling.places.expand(event)
			case NodeStarted():
				states.start(event.node)
				if client is not None:
					client.tell(executing(event.job, event.node, telling.places))
			case NodeProgress():
				if not states.tick(event.node, event.done, event.total):
					return
				if client is not None:
					self._tell_tick(telling, client, event.job, event.node, Tick(event.done, event.total))
			case NodePreview():
				owed = states.owed(event.node)
				if client is not None and owed is not None:
					self._tell_tick(telling, client, event.job, event.node, owed)
				if client is not None:
					client.show(preview(event, telling.places))
			case NodeText() if client is not None:
				client.show(Text(event.job, telling.places.of(event.node).display, event.text))
			case NodeMessage(everyone=True):
				self._hub.broadcast(Announcement(type=event.name, data=event.data))
			case NodeMessage() if client is not None:
				client.tell(Announcement(type=event.name, data=event.data))
			case NodeFinished():
				# A cached sink is told even if it shows nothing; of an inner node that was not called, nobody needs to hear.
				if client is not None and (event.ui is not None or (event.cached and event.node in telling.targets)):
					place = telling.places.of(event.node)
					output = ExecutedData(
						node=event.node, display_node=place.display, output=event.ui, prompt_id=event.job
					)
					client.tell(Executed(data=output))
				states.finish(event.node)
			case NodeBlocked() if client is not None:
				client.tell(blocked(event, telling.places, states.finished))
			case JobProgress() if client is not None and client.wants_job_progress:
				data = JobProgressData(prompt_id=event.job, fraction=event.fraction, seconds_left=event.seconds_left)
				client.tell(JobProgressMessage(data=data))
			case ModelLoading() if client is not None and client.wants_model_loading:
				client.tell(ModelLoadingMessage(data=ModelLoadingData.of(event, telling.places.of(event.node).display)))
		if states.pending and telling.due is None and client is not None:
			# Events come in batches, each within one turn of the loop: what they change is told once.
			telling.due = asyncio.get_running_loop().call_soon(self._tell_states, telling)

	def _tell_tick(self, telling: Telling, client: Client, job: str, node: str, tick: Tick) -> None:
		# The states before the tick, and not between it and its picture: clients read those as a pair.
		self._tell_states(telling)
		client.tell(Progress(data=ProgressData(value=tick.done, max=tick.total, prompt_id=job, node=node)))

	def _tell_states(self, telling: Telling) -> None:
		"""Tell the owner what has changed, or everything if that is what it wants or if it has just come."""
		if telling.due is not None:
			telling.due.cancel()
			telling.due = None
		client = self._hub.find(telling.owner)
		if client is None or not telling.states.pending:
			return
		if client is not telling.heard:
			telling.heard = client
			client.tell(telling.states.whole())
		elif not client.wants_whole:
			client.tell(telling.states.changes())
		elif telling.states.wait:
			loop = asyncio.get_running_loop()
			telling.due = loop.call_later(telling.states.wait, self._tell_states, telling)
		else:
			client.tell(telling.states.whole())

	def _tell(self, event: Event, telling: Telling) -> None:
		message = told(event, telling.places)
		if message is not None:
			self._hub.send(telling.owner, message)


def executing(job: str, node: str, places: Places) -> Executing:
	"""The message that a node is being called."""
	return Executing(data=ExecutingData(node=node, display_node=places.of(node).display, prompt_id=job))


def preview(event: NodePreview, places: Places) -> Preview:
	"""A picture with all that it belongs to."""
	place = places.of(event.node)
	info = PreviewInfo(
		node_id=event.node,
		display_node_id=place.display,
		parent_node_id=place.parent,
		real_node_id=place.real,
		prompt_id=event.job,
		image_type='image/png' if event.format == 'PNG' else 'image/jpeg',
	)
	return Preview(info, event.image)
