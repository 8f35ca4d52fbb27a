"""Tells connected clients what happens: subscribed to the bus, it gives each event its messages, in the dialect's order.

A job's events go to the socket of the client that submitted it. A job without a client is run in silence, but for its
interruption, which everybody hears of.
"""

from __future__ import annotations

from engine.events import (
	Event,
	JobFinished,
	JobStarted,
	NodeFinished,
	NodePreview,
	NodeProgress,
	NodesCached,
	NodeStarted,
	QueueChanged,
)
from engine.jobs import Submission
from engine.queue import JobQueue
from server.comfy.messages import status, told
from server.comfy.progress import JobProgress
from server.comfy.sockets import Hub, Preview
from server.schemas.messages import (
	Executed,
	ExecutedData,
	Executing,
	ExecutingData,
	ExecutingNothing,
	PreviewInfo,
	Progress,
	ProgressData,
)


class Teller:
	"""One per server. Keeps of a running job only how far its nodes have come."""

	def __init__(self, queue: JobQueue, hub: Hub) -> None:
		self._queue = queue
		self._hub = hub
		self._progress: dict[str, JobProgress] = {}
		self._over: list[tuple[str, str]] = []

	def hear(self, event: Event) -> None:
		"""Called by the bus for every event; never waits."""
		if isinstance(event, QueueChanged):
			self._queue_changed(event)
			return
		submission = self._queue.store.get(event.job).submission
		owner = submission.client
		if isinstance(event, JobStarted):
			self._progress[event.job] = JobProgress(event.job, len(submission.graph.calls))
		if isinstance(event, JobFinished):
			self._job_finished(owner, event)
		elif isinstance(event, JobStarted | NodesCached):
			self._tell(owner, event)
		else:
			self._node_event(submission, event, self._progress[event.job])

	def _queue_changed(self, event: QueueChanged) -> None:
		"""The queue publishes this right after a job's end: clients learn that it is over after they may ask for it."""
		self._hub.broadcast(status(event.remaining))
		for owner, job in self._over:
			self._hub.send(owner, Executing(data=ExecutingNothing(prompt_id=job)))
		self._over.clear()

	def _job_finished(self, owner: str, event: JobFinished) -> None:
		progress = self._progress.pop(event.job, None)
		if progress is not None and progress.pending:
			self._tell_progress(owner, progress, now=True)
		if event.state == 'cancelled' and not owner:
			message = told(event)
			if message is not None:
				self._hub.broadcast(message)
		else:
			self._tell(owner, event)
		self._over.append((owner, event.job))

	def _node_event(self, submission: Submission, event: Event, progress: JobProgress) -> None:
		owner = submission.client
		match event:
			case NodeStarted():
				progress.start(event.node)
				self._tell_progress(owner, progress)
				data = ExecutingData(node=event.node, display_node=event.node, prompt_id=event.job)
				self._hub.send(owner, Executing(data=data))
			case NodeProgress():
				if progress.tick(event.node, event.done, event.total):
					self._tell_progress(owner, progress)
					self._hub.send(
						owner,
						Progress(
							data=ProgressData(value=event.done, max=event.total, prompt_id=event.job, node=event.node)
						),
					)
			case NodePreview():
				self._preview(owner, event)
			case NodeFinished():
				# A cached sink is told even if it shows nothing; of a step whose twin ran, nobody needs to hear.
				if event.ui is not None or (event.cached and event.node in submission.targets):
					output = ExecutedData(
						node=event.node, display_node=event.node, output=event.ui, prompt_id=event.job
					)
					self._hub.send(owner, Executed(data=output))
				progress.finish(event.node)
				self._tell_progress(owner, progress)

	def _preview(self, owner: str, event: NodePreview) -> None:
		info = PreviewInfo(
			node_id=event.node,
			display_node_id=event.node,
			parent_node_id=None,
			real_node_id=event.node,
			prompt_id=event.job,
			image_type='image/png' if event.format == 'PNG' else 'image/jpeg',
		)
		self._hub.send_preview(owner, Preview(info, event.image))

	def _tell(self, owner: str, event: Event) -> None:
		message = told(event)
		if message is not None:
			self._hub.send(owner, message)

	def _tell_progress(self, owner: str, progress: JobProgress, *, now: bool = False) -> None:
		message = progress.message(now=now) if self._hub.listens(owner) else None
		if message is not None:
			self._hub.send(owner, message)
