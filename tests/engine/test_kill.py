import subprocess
import sys
from pathlib import Path

from engine.context import JobInfo
from engine.events import AnyEvent, NodeFinished
from engine.runner import Runner
from engine.settings import PROJECT, Settings
from tests.engine.tools import chain

NODES = 12
SCRIPT = """
import sys
from pathlib import Path
from engine.context import JobInfo
from engine.events import AnyEvent, NodeFinished
from engine.runner import Runner
from engine.settings import Settings
from tests.engine.tools import chain

def tell(event: AnyEvent) -> None:
	if isinstance(event, NodeFinished):
		print(event.node, flush=True)
		sys.stdin.readline()

Runner(Settings(base=Path(sys.argv[1])), tell, pack='tests.engine.pack').run_all(chain({nodes}), JobInfo('killed'))
"""


def run_until(folder: Path, finished: int) -> None:
	"""Run a chain in a process of its own, and kill it the moment it has told that so many nodes are finished."""
	command = [sys.executable, '-c', SCRIPT.format(nodes=NODES), str(folder)]
	with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=PROJECT) as process:
		assert process.stdin is not None
		assert process.stdout is not None
		for index in range(finished):
			assert process.stdout.readline().strip() == str(index)
			if index < finished - 1:
				process.stdin.write('\n')
				process.stdin.flush()
		process.kill()


def called_after(folder: Path) -> list[str]:
	"""The nodes that a new process's engine calls for the same chain."""
	events: list[AnyEvent] = []
	runner = Runner(Settings(base=folder), events.append, pack='tests.engine.pack')
	outcome = runner.run_all(chain(NODES), JobInfo('again'))
	runner.close()
	assert outcome.state == 'succeeded', outcome.failure
	return [event.node for event in events if isinstance(event, NodeFinished) and not event.cached]


class TestKill:
	def test_what_was_finished_is_not_run_again(self, tmp_path: Path) -> None:
		"""After `kill -9` behind k of n nodes, the next run calls n − k."""
		run_until(tmp_path, 7)

		assert called_after(tmp_path) == [str(index) for index in range(7, NODES)]
		assert called_after(tmp_path) == []

	def test_nothing_finished_runs_all(self, tmp_path: Path) -> None:
		"""A run killed before its first node has left nothing that could mislead the next one."""
		run_until(tmp_path, 0)

		assert len(called_after(tmp_path)) == NODES
