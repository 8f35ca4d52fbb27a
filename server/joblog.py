"""Says in the log how jobs fare: subscribed to the bus."""

from __future__ import annotations

import logging

from engine.events import Event, JobFinished, JobStarted, ModelLoading, NodeBlocked, NodeFinished, NodeStarted
from engine.logcontext import about

log = logging.getLogger(__name__)


class JobLog:
	"""One per server. Keeps when the running jobs began."""

	def __init__(self) -> None:
		self._began: dict[str, float] = {}

	def hear(self, event: Event) -> None:
		"""Called by the bus for every event; never waits."""
		match event:
			case JobStarted():
				self._began[event.job] = event.at
				with about(job=event.job):
					log.debug('The job has begun.')
			case NodeStarted() if log.isEnabledFor(logging.DEBUG):
				with about(job=event.job, node=event.node):
					log.debug('%s has begun.', event.kind)
			case NodeFinished(cached=False) if log.isEnabledFor(logging.DEBUG):
				with about(job=event.job, node=event.node):
					log.debug('%s took %.3f s.', event.kind, event.seconds)
			case ModelLoading() if event.state != 'loading' or (not event.done and log.isEnabledFor(logging.DEBUG)):
				level = logging.DEBUG if event.state == 'loading' else logging.INFO
				with about(job=event.job, node=event.node):
					log.log(level, 'Loading %s of %s: %s, %s.', event.part, event.model, event.phase, event.state)
			case NodeBlocked():
				with about(job=event.job, node=event.node):
					log.info('%s was passed over: %s', event.kind, event.message)
			case JobFinished():
				self._finished(event)
			case _:
				pass

	def _finished(self, event: JobFinished) -> None:
		seconds = event.at - self._began.pop(event.job, event.at)
		failure = event.failure
		with about(job=event.job, node=(failure.node if failure else None) or event.node or ''):
			if failure is not None:
				told = (failure.kind or event.kind, seconds, failure.exception_type, failure.message.rstrip())
				log.warning('The job failed at %s after %.2f s: %s: %s', *told)
			else:
				log.info('The job %s after %.2f s.', event.state, seconds)
