"""What the routes ask about the workers: their nodes, and what they are doing."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from engine.declaration import NodeInfo
from engine.errors import WorkerLost
from engine.supervisor import Supervisor
from server.schemas.system import WorkerState

START_SECONDS = 60.0


async def known_nodes(supervisor: Supervisor, patience: float = START_SECONDS) -> Mapping[str, NodeInfo]:
	"""Kind → declaration, waited for while the first worker comes up; `WorkerLost` if none does."""
	try:
		async with asyncio.timeout(patience):
			return await supervisor.nodes()
	except TimeoutError:
		raise WorkerLost('No worker has come up yet, so no nodes are known; the server log says why.') from None


async def current_nodes(supervisor: Supervisor, kind: str | None = None) -> Mapping[str, NodeInfo]:
	"""Kind → declaration, foreign ones told anew: what they list is known to their own code alone.

	With a `kind` that one matters; if it is not foreign, nobody is asked.
	"""
	nodes = await known_nodes(supervisor)
	wanted = nodes.values() if kind is None else [nodes[kind]] if kind in nodes else []
	if not any(node.foreign for node in wanted):
		return nodes
	await supervisor.refresh()
	return await known_nodes(supervisor)


def worker_state(supervisor: Supervisor) -> WorkerState:
	"""Whether a worker waits for jobs, or all that are up have some."""
	states = {worker.state for worker in supervisor.workers}
	if 'idle' in states:
		return 'ready'
	return 'busy' if 'busy' in states else 'starting'
