"""What a worker sends, seen from the other end of a connection."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from engine import courier
from engine.courier import Courier, gathered, lines
from engine.events import AnyEvent, JobFinished, JobStarted, NodeFinished, NodeStarted, Ui
from engine.wire import Beat, Happened, Message, Validated, from_worker


class Line:
	"""A courier, and what arrives at the other end."""

	def __init__(self) -> None:
		self.far, near = socket.socketpair()
		self.far.settimeout(30)
		self.stream = self.far.makefile('rb')
		self.near = near
		self.courier = Courier(near)

	def next(self) -> Message:
		"""The next message; beats come whenever the machine is slow."""
		while isinstance(message := from_worker.validate_json(self.stream.readline()), Beat):
			continue
		return message

	def events(self, count: int) -> list[tuple[AnyEvent, ...]]:
		"""Messages until so many events have come."""
		found: list[tuple[AnyEvent, ...]] = []
		while sum(map(len, found)) < count:
			message = self.next()
			assert isinstance(message, Happened)
			found.append(message.events)
		return found

	def close(self) -> None:
		"""Leave."""
		self.courier.close()
		self.stream.close()
		self.far.close()
		self.near.close()


@pytest.fixture
def line() -> Iterator[Line]:
	"""An open connection."""
	made = Line()
	yield made
	made.close()


def started(node: int) -> NodeStarted:
	"""A node has begun."""
	return NodeStarted(job='j', node=f'{node}', kind='A')


class TestEvents:
	"""Events travel together."""

	def test_all_arrive_in_order(self, line: Line) -> None:
		"""Thousands of events become a few messages, and none is lost."""
		events = [started(node) for node in range(3000)]
		for event in events:
			line.courier.tell(event)
		came = line.events(3000)

		assert [event for batch in came for event in batch] == events
		assert len(came) < 300

	def test_one_alone_is_not_held_back(self, line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
		"""After quiet, an event waits for no other, however long the pause between messages is."""
		monkeypatch.setattr(courier, 'GATHER_SECONDS', 60)
		event = started(1)
		line.courier.tell(event)

		assert line.events(1) == [(event,)]

	def test_what_is_waited_for_goes_at_once(self, line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
		"""The end of a job takes along what was gathered."""
		monkeypatch.setattr(courier, 'GATHER_SECONDS', 60)
		line.courier.tell(JobStarted(job='j'))
		line.events(1)
		line.courier.tell(started(1))
		line.courier.tell(JobFinished(job='j', state='succeeded'))
		[batch] = line.events(2)

		assert [event.type for event in batch] == ['node_started', 'job_finished']

	def test_from_many_threads(self, line: Line) -> None:
		"""Nodes that run side by side tell at the same time; nothing is lost."""

		def tell(base: int) -> None:
			for node in range(base, base + 500):
				line.courier.tell(started(node))

		threads = [threading.Thread(target=tell, args=(base,)) for base in (0, 1000, 2000)]
		for thread in threads:
			thread.start()
		came = [event for batch in line.events(1500) for event in batch]

		assert len({event.node for event in came if isinstance(event, NodeStarted)}) == 1500

	def test_closing_sends_what_waits(self, line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
		"""A worker that ends has told everything."""
		monkeypatch.setattr(courier, 'GATHER_SECONDS', 60)
		line.courier.tell(JobStarted(job='j'))
		line.events(1)
		line.courier.tell(started(1))
		line.courier.close()

		assert len(line.events(1)) == 1


class TestBeats:
	"""A sign of life."""

	def test_when_there_is_nothing_to_tell(self, monkeypatch: pytest.MonkeyPatch) -> None:
		"""It comes again and again, and no more once the worker ends."""
		monkeypatch.setattr(courier, 'BEAT_SECONDS', 0.01)
		line = Line()
		came = [from_worker.validate_json(line.stream.readline()) for _ in range(3)]
		line.close()

		assert came == [Beat()] * 3

	def test_events_come_through(self, monkeypatch: pytest.MonkeyPatch) -> None:
		"""However quickly it beats."""
		monkeypatch.setattr(courier, 'BEAT_SECONDS', 0.0001)
		line = Line()
		for node in range(200):
			line.courier.tell(started(node))
		came = line.events(200)
		line.close()

		assert [event.node for batch in came for event in batch if isinstance(event, NodeStarted)] == [
			str(node) for node in range(200)
		]


class TestMessages:
	"""Other messages keep their place among the events."""

	def test_order(self) -> None:
		"""Events before and after an answer do not become one message."""
		answer = Validated(id=1, refusals={})
		first, second, third = started(1), started(2), started(3)

		assert list(gathered([first, second, answer, third])) == [
			Happened(events=(first, second)),
			answer,
			Happened(events=(third,)),
		]


class TestWhatCannotBeWritten:
	"""Half of a surrogate pair is no text that could be sent."""

	def test_the_rest_is_sent(self) -> None:
		"""A node's end comes without what it shows; what cannot be mended is left out; all others are as they were."""
		bad = NodeFinished(job='j', node='2', kind='A', seconds=0, ui=Ui({'text': ['\ud800']}))
		lost = NodeStarted(job='j', node='\ud800', kind='A')
		sent = [from_worker.validate_json(line) for line in lines(Happened(events=(started(1), bad, lost, started(3))))]
		events = [event for message in sent if isinstance(message, Happened) for event in message.events]

		assert [event.node for event in events if isinstance(event, NodeStarted | NodeFinished)] == ['1', '2', '3']
		assert [event.ui for event in events if isinstance(event, NodeFinished)] == [None]
