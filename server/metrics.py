"""Figures for Prometheus: a subscriber of the engine's events, one middleware, and what is asked when they are read."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import get_args

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from engine.causes import Cause
from engine.events import Event, JobDropped, JobFinished, JobQueued, JobStarted, NodeFinished, NodesCached
from engine.kernel import resident_bytes
from engine.office import WorkerSnapshot

PREFIX = 'lumengraph'
NODE_SECONDS = (0.01, 0.05, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
REQUEST_SECONDS = (0.005, 0.02, 0.1, 0.5, 2.0, 10.0)
CACHED_ALREADY = 'cached'
NO_ROUTE = '(none)'
OTHER_METHOD = '(other)'


class Metrics:
	"""All figures of one server, in a registry of their own.

	`remaining` tells how many jobs wait or run, `workers` how each worker is doing, `restarts` how often one was replaced,
	by cause.
	"""

	def __init__(
		self,
		*,
		remaining: Callable[[], int],
		workers: Callable[[], Sequence[WorkerSnapshot]],
		restarts: Callable[[], Mapping[Cause, int]],
	) -> None:
		self._registry = registry = CollectorRegistry()
		self._running: set[str] = set()
		self._jobs = Counter('jobs', 'Jobs that have ended.', ['state'], namespace=PREFIX, registry=registry)
		self._seconds = Histogram(
			'node_seconds',
			'How long the calls of nodes took.',
			['kind'],
			namespace=PREFIX,
			buckets=NODE_SECONDS,
			registry=registry,
		)
		self._hits = Counter(
			'cache_hits',
			'Nodes that were not called, since their results were there.',
			namespace=PREFIX,
			registry=registry,
		)
		self._requests = Histogram(
			'http_request_duration_seconds',
			'How long requests took, by route and status.',
			['method', 'route', 'status'],
			namespace=PREFIX,
			buckets=REQUEST_SECONDS,
			registry=registry,
		)
		for state in ('succeeded', 'failed', 'cancelled'):
			self._jobs.labels(state)
		self._gauge('jobs_running', 'Jobs that run.', lambda: len(self._running))
		self._gauge('queue_length', 'Jobs that wait or run.', remaining)
		self._sockets = Gauge('websocket_clients', 'Open WebSockets.', namespace=PREFIX, registry=registry)
		ProcessCollector(registry=registry)
		registry.register(WorkerCollector(workers, restarts))

	def hear(self, event: Event) -> None:
		"""Count what happens: a subscriber of the bus."""
		match event:
			case JobStarted():
				self._running.add(event.job)
			case JobQueued() | JobDropped():
				self._running.discard(event.job)
			case NodesCached():
				self._hits.inc(len(event.nodes))
			case NodeFinished() if not event.cached:
				self._seconds.labels(event.kind).observe(event.seconds)
			case NodeFinished() if event.why is None or event.why.code != CACHED_ALREADY:
				self._hits.inc()  # The others were told at once, by `NodesCached`.
			case JobFinished():
				self._running.discard(event.job)
				self._jobs.labels(event.state).inc()

	def middleware(self) -> Middleware:
		"""Count requests: the outermost middleware, so that it sees the status that is sent."""

		@web.middleware
		async def count(request: web.Request, handler: Handler) -> web.StreamResponse:
			began = time.perf_counter()
			status = 500
			# The handler of a WebSocket ends when its socket does.
			is_socket = request.headers.get('Upgrade', '').lower() == 'websocket'
			self._sockets.inc(is_socket)
			try:
				response = await handler(request)
				status = response.status
			except web.HTTPException as error:
				status = error.status
				raise
			finally:
				self._sockets.dec(is_socket)
				method = request.method if request.method in hdrs.METH_ALL else OTHER_METHOD
				self._requests.labels(method, route_of(request), str(status)).observe(time.perf_counter() - began)
			return response

		return count

	def text(self) -> bytes:
		"""The figures as they stand, in Prometheus' text format."""
		return generate_latest(self._registry)

	def _gauge(self, name: str, description: str, read: Callable[[], int]) -> None:
		Gauge(name, description, namespace=PREFIX, registry=self._registry).set_function(read)


class WorkerCollector(Collector):
	"""What is asked about the workers when the figures are read."""

	def __init__(
		self, workers: Callable[[], Sequence[WorkerSnapshot]], restarts: Callable[[], Mapping[Cause, int]]
	) -> None:
		self._workers = workers
		self._restarts = restarts

	def collect(self) -> Iterator[Metric]:
		"""Restarts by cause; memory and state of each worker."""
		restarts = CounterMetricFamily(
			f'{PREFIX}_worker_restarts', 'Workers that were replaced, by the cause of their end.', labels=['cause']
		)
		for cause in get_args(Cause):
			restarts.add_metric([cause], self._restarts().get(cause, 0))
		yield restarts
		memory = GaugeMetricFamily(
			f'{PREFIX}_worker_resident_memory_bytes', 'Memory that workers hold.', labels=['worker']
		)
		busy = GaugeMetricFamily(f'{PREFIX}_worker_busy', 'Whether a worker has a job.', labels=['worker'])
		for worker in self._workers():
			busy.add_metric([worker.name], worker.state == 'busy')
			if worker.pid is not None:
				memory.add_metric([worker.name], resident_bytes(worker.pid))
		yield memory
		yield busy


def route_of(request: web.Request) -> str:
	"""The route as it is declared: never the path itself, of which there are endlessly many."""
	resource = request.match_info.route.resource
	return NO_ROUTE if resource is None else resource.canonical
