"""Queue and store under random changes and restarts, beside a plain model of them."""

from __future__ import annotations

import asyncio
import copy
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
	RuleBasedStateMachine,
	initialize,
	invariant,
	precondition,
	rule,
	run_state_machine_as_test,
)

from engine.events import Failure, JobFinished, NodeFinished
from engine.jobs import IdTaken, JobState
from engine.queue import MOST_ATTEMPTS, RETRIES
from server.store.archive import JobQuery
from tests.server.store.desk import Desk, submission

GONE = Failure(message='gone', exception_type='WorkerLost')


@dataclass
class Model:
	"""What there should be: lists, and of each live job where it stands and how often it was begun and lost."""

	waiting: list[str] = field(default_factory=list)
	running: list[str] = field(default_factory=list)
	ended: list[tuple[str, str]] = field(default_factory=list)
	dropped: set[str] = field(default_factory=set)
	paused: bool = False
	places: dict[str, tuple[float, float]] = field(default_factory=dict)
	begun: dict[str, int] = field(default_factory=dict)
	lost: dict[str, int] = field(default_factory=dict)

	def wait_again(self, job: str) -> None:
		"""A running job stands where its place is, or ends if it was begun too often."""
		self.running.remove(job)
		if self.begun[job] >= MOST_ATTEMPTS:
			self.ended.append((job, 'failed'))
			return
		later = [other for other in self.waiting if self.places[other] > self.places[job]]
		self.waiting.insert(self.waiting.index(later[0]) if later else len(self.waiting), job)

	def restarted(self) -> Model:
		"""After a new start."""
		found = copy.deepcopy(self)
		for job in list(found.running):
			found.wait_again(job)
		return found


class Restarts(RuleBasedStateMachine):
	"""Each rule is one turn of the event loop. `turns` are the models since all was surely written."""

	def __init__(self) -> None:
		super().__init__()
		self.loop = asyncio.new_event_loop()
		self.root = tempfile.TemporaryDirectory()
		self.folders = 0
		self.names = 0
		self.model = Model()
		self.turns: list[Model] = []
		self.desk = self.opened(Path(self.root.name) / 'first')

	def teardown(self) -> None:
		self.desk.close()
		self.loop.close()
		self.root.cleanup()

	def opened(self, folder: Path) -> Desk:
		"""A server's start."""
		return self.loop.run_until_complete(Desk(folder).open())

	def turn(self, change: Callable[[], None]) -> None:
		"""Do something as the server does: in one turn of its loop."""

		async def do() -> None:
			change()

		self.loop.run_until_complete(do())
		for job in (*self.desk.queue.queued(), *self.desk.queue.running()):
			self.model.places[job.id] = job.place
		self.turns.append(copy.deepcopy(self.model))

	@initialize()
	def begin(self) -> None:
		self.turns = [copy.deepcopy(self.model)]

	@rule(number=st.none() | st.sampled_from([-2.0, 0, 0.5, 1, 7]), front=st.booleans())
	def submit(self, number: float | None, front: bool) -> None:
		self.names += 1
		id = f'{self.names}'

		def change() -> None:
			given = self.desk.queue.take_number(front=front) if number is None else number
			job = self.desk.queue.submit(submission(key=f'key {id}' if self.names % 3 else ''), id=id, number=given)
			later = [other for other in self.model.waiting if self.desk.queue.get(other).number > job.number]
			self.model.waiting.insert(self.model.waiting.index(later[0]) if later else len(self.model.waiting), id)
			self.model.begun[id] = self.model.lost[id] = 0

		self.turn(change)

	@rule()
	def claim(self) -> None:
		def change() -> None:
			job = self.desk.queue.claim()
			if self.model.paused or not self.model.waiting:
				assert job is None
				return
			assert job is not None
			assert job.id == self.model.waiting.pop(0)
			self.model.running.append(job.id)
			self.model.begun[job.id] += 1

		self.turn(change)

	@precondition(lambda self: self.model.running)
	@rule(data=st.data(), state=st.sampled_from(['succeeded', 'failed', 'cancelled']))
	def finish(self, data: st.DataObject, state: str) -> None:
		job = data.draw(st.sampled_from(self.model.running))

		def change() -> None:
			self.desk.finish(self.desk.queue.get(job), state=state)
			self.model.running.remove(job)
			self.model.ended.append((job, state))

		self.turn(change)

	@precondition(lambda self: self.model.running)
	@rule(data=st.data())
	def run_a_node(self, data: st.DataObject) -> None:
		job = data.draw(st.sampled_from(self.model.running))
		self.turn(lambda: self.desk.queue.tell(NodeFinished(job=job, node='1', kind='Shade', seconds=1)))

	@precondition(lambda self: self.model.running)
	@rule(data=st.data())
	def lose(self, data: st.DataObject) -> None:
		job = data.draw(st.sampled_from(self.model.running))

		def change() -> None:
			self.desk.queue.lose(job, GONE)
			self.model.lost[job] += 1
			if self.model.lost[job] > RETRIES:
				self.model.running.remove(job)
				self.model.ended.append((job, 'failed'))
			else:
				self.model.wait_again(job)

		self.turn(change)

	@precondition(lambda self: self.model.waiting)
	@rule(data=st.data())
	def move(self, data: st.DataObject) -> None:
		one, other = (data.draw(st.sampled_from(self.model.waiting)) for _ in range(2))

		def change() -> None:
			self.desk.queue.move(one, before=other)
			if one != other:
				self.model.waiting.remove(one)
				self.model.waiting.insert(self.model.waiting.index(other), one)

		self.turn(change)

	@precondition(lambda self: self.model.waiting)
	@rule(data=st.data())
	def remove(self, data: st.DataObject) -> None:
		jobs = data.draw(st.lists(st.sampled_from(self.model.waiting), max_size=3))

		def change() -> None:
			assert self.desk.queue.remove([*jobs, 'nobody', *self.model.running]) == len(set(jobs))
			self.model.waiting = [job for job in self.model.waiting if job not in jobs]
			self.model.dropped |= set(jobs)

		self.turn(change)

	@precondition(lambda self: self.model.ended or self.model.dropped)
	@rule(data=st.data())
	def forget(self, data: st.DataObject) -> None:
		over = [*(job for job, _ in self.model.ended), *sorted(self.model.dropped)]
		jobs = data.draw(st.lists(st.sampled_from(over), max_size=2))

		def change() -> None:
			self.desk.store.jobs.forget([*jobs, *self.model.running, *self.model.waiting])
			self.model.ended = [(job, state) for job, state in self.model.ended if job not in jobs]
			self.model.dropped -= set(jobs)

		self.turn(change)

	@rule(paused=st.booleans())
	def pause(self, paused: bool) -> None:
		def change() -> None:
			(self.desk.queue.pause if paused else self.desk.queue.resume)()
			self.model.paused = paused

		self.turn(change)

	@rule()
	def settle(self) -> None:
		self.loop.run_until_complete(self.desk.store.writer.settled())
		self.turns = [copy.deepcopy(self.model)]

	@rule()
	def kill(self) -> None:
		"""The server is killed: what the file has is what was there after one of the last turns.

		Which one, chance decides; so that the test can be repeated it goes on with the last.
		"""
		found = self.opened(self.snapshot())
		candidates = [model.restarted() for model in reversed(self.turns)]
		model = next((model for model in candidates if self.fits(found, model)), candidates[0])
		self.everything_is_there(found, model)
		found.close()
		self.settle()
		folder = self.snapshot()
		self.desk.close()
		self.desk = self.opened(folder)
		self.model = self.model.restarted()
		self.begin()
		self.everything_is_there(self.desk, self.model)

	def snapshot(self) -> Path:
		"""The file as it is now."""
		self.folders += 1
		return self.desk.snapshot(Path(self.root.name) / f'{self.folders}')

	@rule()
	def stop(self) -> None:
		"""The server ends in peace: nothing is lost, and no attempt counts."""

		async def stop() -> None:
			self.desk.queue.retire()
			self.desk.close()

		for job in self.model.running:
			self.model.begun[job] -= 1
		self.loop.run_until_complete(stop())
		self.desk = self.opened(self.desk.folder)
		self.model = self.model.restarted()
		self.begin()
		self.everything_is_there(self.desk, self.model)

	def fits(self, desk: Desk, model: Model) -> bool:
		"""Whether the restored queue and history are those of a model."""
		ended = self.loop.run_until_complete(desk.store.archive.ended())
		listed, _ = self.loop.run_until_complete(desk.store.archive.page(JobQuery()))
		return (
			desk.order == model.waiting
			and [(job.attempts, job.losses) for job in desk.queue.queued()]
			== [(model.begun[job], model.lost[job]) for job in model.waiting]
			and [(job.id, job.state) for job in ended] == model.ended
			and {job.id for job in listed} == {*model.waiting, *model.dropped, *(job for job, _ in model.ended)}
			and desk.queue.paused is model.paused
		)

	def everything_is_there(self, desk: Desk, model: Model) -> None:
		"""After a restart."""
		assert self.fits(desk, model), (desk.order, model)
		ended = self.loop.run_until_complete(desk.store.archive.ended())
		for job in ended:
			assert [type(event) for event in job.events].count(JobFinished) == 1
			assert isinstance(job.events[-1], JobFinished)
			assert job.events[-1].state == job.state
		listed, total = self.loop.run_until_complete(desk.store.archive.page(JobQuery()))
		assert total == len(listed)
		for summary in listed:
			assert (summary.state is JobState.CANCELLED) or summary.id not in model.dropped
			with pytest.raises(IdTaken):
				desk.queue.submit(submission(), id=summary.id)

	@invariant()
	def the_queue_is_as_it_should_be(self) -> None:
		"""In memory, always."""
		assert self.desk.order == self.model.waiting
		assert {job.id for job in self.desk.queue.running()} == set(self.model.running)
		places = [job.place for job in self.desk.queue.queued()]
		assert places == sorted(set(places))


def test_restarts() -> None:
	"""Whatever happens, and whenever the server dies: no job is lost or doubled, the order holds, states are legal."""
	run_state_machine_as_test(Restarts, settings=settings(max_examples=25, stateful_step_count=40, deadline=None))
