"""With a device of N bytes: never more than N are in use, whatever is leased, patched, streamed or called off."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from engine.cancel import CancelToken
from engine.errors import JobCancelled, ModelLoadCancelled, OutOfDeviceMemory
from engine.loading import LoadStep
from engine.models import CPU, Load, Place
from tests.engine.device import Bench, FakeModel, FakePatch, FakeSetting, fake

GPU = Place('cuda:0')
MIB = 2**20


class TestEvictBeforeLoading:
	def test_room_is_made_first(self) -> None:
		"""The old model has left before the first byte of the new one is read."""
		bench = Bench(10)
		bench.run(fake('a:4,4'))
		bench.run(fake('b:3,3'))

		assert bench.memory.most[CPU] == 8
		assert [str(resident.ref.file) for resident in bench.store.residents()] == ['b:3,3']

	def test_work_needs_room_too(self) -> None:
		"""What is computed with a model pushes others out."""
		bench = Bench(10)
		bench.run(fake('a:4'))
		bench.run(fake('b:3'), working=5)

		assert [str(resident.ref.file) for resident in bench.store.residents()] == ['b:3']
		assert bench.store.rooms.residency.used(CPU) == 3

	def test_trimmed(self) -> None:
		"""When something has left, its memory is given back to the system before the next one comes."""
		bench = Bench(10)
		at: list[int] = []
		bench.store.rooms.trim = lambda: at.append(bench.memory.used[CPU])
		bench.run(fake('a:8'))
		bench.run(fake('b:6'))

		assert at == [0]


class TestStreaming:
	@pytest.mark.parametrize('place', [CPU, GPU])
	def test_twice_the_device(self, place: Place) -> None:
		"""A model of 2 N runs, with no more than N at a time."""
		bench = Bench(10, place=place)
		if place == CPU:
			bench.memory.limits[CPU] = 10

		assert bench.run(fake('a:4,4,4,4,4')) == 20
		assert bench.memory.most[place] <= 10
		[resident] = bench.store.residents()
		assert (resident.room, resident.size.nbytes) == (10, 20)

	def test_from_main_memory(self) -> None:
		"""Where main memory has room, what the device cannot hold waits there."""
		bench = Bench(10, place=GPU, host=30)
		bench.run(fake('a:4,4,4,4,4'))

		assert bench.memory.used[CPU] == 20
		[resident] = bench.store.residents()
		assert resident.holding.bytes == {GPU: 10, CPU: 20}

	def test_room_to_work_in(self) -> None:
		"""A model that would fit is streamed if there were no room left to work with it."""
		bench = Bench(10)
		bench.run(fake('a:4,4'), working=5)
		[resident] = bench.store.residents()

		assert resident.room == 5

	def test_a_resident_that_leaves_no_room(self) -> None:
		"""It is there whole from an earlier use; for one that needs more room it is streamed."""
		bench = Bench(10)
		bench.run(fake('a:4,4'))
		bench.run(fake('a:4,4'), working=5)

		assert bench.loads == ['a:4,4', 'a:4,4']
		assert bench.store.residents()[0].room == 5

	def test_a_streamed_resident_that_leaves_no_room(self) -> None:
		"""One that is streamed in all that was left comes again in less, when there is more to work with."""
		bench = Bench(10)
		bench.run(fake('a:4,4,4,4,4'), working=2)
		assert bench.store.residents()[0].room == 8
		bench.run(fake('a:4,4,4,4,4'), working=5)

		assert bench.store.residents()[0].room == 5

	@pytest.mark.parametrize(('name', 'room'), [('a:4,4', 4), ('a:4,4,4,4,4', 4)])
	def test_room_for_what_settings_need(self, name: str, room: int) -> None:
		"""A model that leaves none for a network beside it comes again, with less of it there."""
		bench = Bench(10)

		assert bench.run(fake(name, FakeSetting(fake('b:4'))), working=2) == sum(map(int, name[2:].split(',')))
		assert {str(item.ref.file): item.room for item in bench.store.residents()} == {name: room, 'b:4': None}
		assert bench.memory.most[CPU] <= 10

	def test_no_room_for_what_settings_need(self) -> None:
		"""It is refused with numbers."""
		bench = Bench(10)
		with pytest.raises(OutOfDeviceMemory) as caught:
			bench.run(fake('a:4,4', FakeSetting(fake('b:7'))))

		assert caught.value.needed == 7
		assert bench.store.rooms.residency.free(CPU) >= 0

	def test_whole_again(self) -> None:
		"""When others have left, the next use has the model whole."""
		bench = Bench(10)
		with bench.store.use(fake('b:5')):
			bench.run(fake('a:4,4'))
			assert bench.store.residents()[-1].room == 5
		bench.run(fake('a:4,4'))

		assert bench.store.residents()[-1].room is None

	def test_too_large_a_block(self) -> None:
		"""What cannot even be streamed is refused with numbers, before it is read."""
		bench = Bench(10 * MIB)
		with pytest.raises(OutOfDeviceMemory, match='12 MiB are needed, 10 MiB are free') as caught:
			bench.run(fake(f'a:{11 * MIB},{MIB}'), working=MIB)

		assert (caught.value.needed, caught.value.free) == (12 * MIB, 10 * MIB)
		assert bench.loads == []


class TestMainMemory:
	def test_weights_wait_there(self) -> None:
		"""What leaves the device goes to main memory, and comes back without being read again."""
		steps: list[LoadStep] = []
		bench = Bench(10, place=GPU, host=20)
		bench.run(fake('a:8'))
		bench.run(fake('b:6'))
		assert bench.memory.used == {CPU: 8, GPU: 6}
		bench.run(fake('a:8'), watch=steps.append)

		assert bench.memory.used == {CPU: 6, GPU: 8}
		assert bench.loads == ['a:8', 'b:6']
		assert [(step.phase, step.state) for step in steps] == [('device_setup', 'loading'), ('device_setup', 'ready')]

	def test_until_it_is_full(self) -> None:
		"""Who has waited longest there has to go."""
		bench = Bench(10, place=GPU, host=10)
		for name in ('a:8', 'b:6', 'c:7'):
			bench.run(fake(name))

		assert {str(item.ref.file): item.holding.bytes for item in bench.store.residents()} == {
			'b:6': {CPU: 6},
			'c:7': {GPU: 7},
		}

	@pytest.mark.parametrize(('leased', 'working', 'room'), [('c:5', 0, 5), ('c:1', 4, 5)])
	def test_too_little_room_to_come_back(self, leased: str, working: int, room: int) -> None:
		"""What has waited is let go of, and comes streamed."""
		bench = Bench(10, place=GPU, host=20)
		bench.run(fake('a:4,4'))
		bench.run(fake('b:6'))
		with bench.store.use(fake(leased)):
			bench.run(fake('a:4,4'), working)

		assert bench.loads == ['a:4,4', 'b:6', leased, 'a:4,4']
		[resident] = [item for item in bench.store.residents() if str(item.ref.file) == 'a:4,4']
		assert resident.room == room

	def test_a_move_that_fails(self) -> None:
		"""What cannot be moved is let go of, and read anew when it is wanted again."""
		bench = Bench(10, place=GPU, host=20)
		bench.run(fake('a:4,4'))
		bench.memory.is_stuck = True
		bench.run(fake('b:6'))

		assert bench.memory.used == {CPU: 0, GPU: 6}
		bench.memory.is_stuck = False
		bench.run(fake('a:4,4'))
		assert bench.loads == ['a:4,4', 'b:6', 'a:4,4']
		assert bench.memory.used == {CPU: 6, GPU: 8}

	def test_a_set_with_its_base(self) -> None:
		"""A patched set leaves before its base, and brings it along when it comes back."""
		bench = Bench(10, place=GPU, host=20)
		bench.run(fake('a:6', FakePatch(2)))
		bench.run(fake('b:9'))
		assert bench.memory.used == {CPU: 8, GPU: 9}
		bench.run(fake('a:6', FakePatch(2)))

		assert bench.memory.used == {CPU: 9, GPU: 8}


class TestUnload:
	def test_one_resident(self) -> None:
		"""By its id; one that is in use, or that another is based on, stays."""
		bench = Bench(20)
		bench.run(fake('a:4', FakePatch(2)))
		bench.run(fake('b:3'))
		ids = {str(item.ref.file) + '+' * len(item.ref.patches): item.id for item in bench.store.residents()}

		assert bench.store.unload(ids['a:4']) == 0
		assert bench.store.unload(ids['a:4+']) == 2
		assert bench.store.unload(ids['a:4']) == 4
		assert bench.store.unload('nothing') == 0
		assert bench.memory.used[CPU] == 3


NAMES = ('a:3', 'b:2,2', 'c:4,4,4', 'd:1', 'e:11', 'f:5,5,5,5')
PATCHES = ((), (FakePatch(1),), (FakePatch(2), FakePatch(1)), (FakePatch(1, (fake('d:1'),)),))


class Traffic(RuleBasedStateMachine):
	"""Random leases, patches, cancels and unloads on a device of ten bytes."""

	place = CPU
	host = 0

	def __init__(self) -> None:
		super().__init__()
		self.stop_at = -1
		self.bench = Bench(10, place=self.place, host=self.host, during=self.during)
		self.bench.memory.limits[self.place] = 10
		self.leases: list[tuple[ExitStack, FakeModel, int]] = []
		self.refusals: list[OutOfDeviceMemory] = []
		self.reasons: set[str] = set()

	def during(self, load: Load) -> None:
		if self.stop_at == 0:
			[resident] = [item for item in self.bench.store.residents() if item.load and item.load.token is load.cancel]
			assert self.bench.store.cancel_load(resident.id, 'random')
		self.stop_at -= 1

	def lease(self, name: str, patches: tuple[FakePatch, ...], working: int) -> None:
		stack = ExitStack()
		try:
			model = stack.enter_context(self.bench.store.use(fake(name, *patches), working_bytes=working))
			if working:
				stack.enter_context(self.worked(working))
			self.leases.append((stack, model, model.moves))
		except OutOfDeviceMemory as error:
			self.refusals.append(error)
			stack.close()

	def worked(self, working: int) -> ExitStack:
		stack = ExitStack()
		self.bench.memory.take(self.place, working)
		stack.callback(self.bench.memory.give, self.place, working)
		return stack

	@rule(name=st.sampled_from(NAMES), patches=st.sampled_from(PATCHES), working=st.integers(0, 4))
	def use(self, name: str, patches: tuple[FakePatch, ...], working: int) -> None:
		self.lease(name, patches, working)

	@rule(name=st.sampled_from(NAMES), patches=st.sampled_from(PATCHES), after=st.integers(0, 2))
	def use_and_call_off(self, name: str, patches: tuple[FakePatch, ...], after: int) -> None:
		self.stop_at = after
		try:
			self.lease(name, patches, 0)
		except ModelLoadCancelled as error:
			self.reasons.add(error.reason)
		self.stop_at = -1
		self.bench.settle()

	@precondition(lambda self: self.leases)
	@rule(data=st.data())
	def let_go(self, data: st.DataObject) -> None:
		stack, model, _ = self.leases.pop(data.draw(st.integers(0, len(self.leases) - 1)))
		assert model.forward() == sum(model.blocks)
		del model
		stack.close()

	@rule()
	def unload(self) -> None:
		self.bench.store.unload()

	@rule(is_stuck=st.booleans())
	def pinning(self, is_stuck: bool) -> None:
		self.bench.memory.is_stuck = is_stuck

	@invariant()
	def counts_are_true(self) -> None:
		"""What the store counts is what is taken, but for the room of streamed models, which they fill when they run."""
		residency = self.bench.store.rooms.residency
		for place, used in self.bench.memory.used.items():
			streamed = sum(item.room or 0 for item in self.bench.store.residents()) if place == self.place else 0
			assert used + streamed == residency.used(place)
			assert residency.used(place) <= residency.budget(place)

	@invariant()
	def what_is_leased_is_there(self) -> None:
		residents = self.bench.store.residents()
		assert all(any(item.weights is model for item in residents) for _, model, _ in self.leases)
		assert all(item.weights is not None and item.load is None for item in residents)

	@invariant()
	def what_is_leased_is_not_moved(self) -> None:
		assert all(model.moves == moves and model.place == self.place for _, model, moves in self.leases)

	@invariant()
	def each_is_whole_at_one_place(self) -> None:
		"""Its bytes are as many wherever it is; what is streamed has them in main memory too, or none there."""
		for item in self.bench.store.residents():
			assert isinstance(item.weights, FakeModel)
			if item.room is None:
				assert item.holding.bytes == {item.weights.place: sum(item.weights.blocks)}
				assert {piece.place for piece in item.weights.pieces} <= {item.weights.place}
			else:
				assert item.holding.bytes.get(self.place, 0) >= item.room

	@invariant()
	def bases_are_there(self) -> None:
		residents = {item.ref: item for item in self.bench.store.residents()}
		for ref, item in residents.items():
			if ref.patches:
				assert item.holding.based_on is residents[ref.unpatched].holding

	@invariant()
	def errors_are_told_truly(self) -> None:
		assert all(error.needed > error.free for error in self.refusals)
		assert self.reasons <= {'random'}

	def teardown(self) -> None:
		while self.leases:
			self.leases.pop()[0].close()
		self.bench.store.unload()
		assert not self.bench.store.residents()
		assert set(self.bench.memory.used.values()) == {0}


class DeviceTraffic(Traffic):
	"""The same beside main memory of fifteen bytes."""

	place = GPU
	host = 15


TestTraffic = Traffic.TestCase
TestTraffic.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)
TestDeviceTraffic = DeviceTraffic.TestCase
TestDeviceTraffic.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)


class TestManyThreads:
	@pytest.mark.parametrize('seed', range(4))
	@pytest.mark.parametrize(('place', 'host'), [(CPU, 0), (GPU, 15)])
	def test_all_at_once(self, place: Place, host: int, seed: int) -> None:
		"""However they get in each other's way and give up, no place holds too much and nothing is left over."""
		bench = Bench(12, place=place, host=host)
		bench.memory.limits[place] = 12

		def work(number: int) -> None:
			dice = random.Random(seed * 100 + number)
			for _ in range(15):
				cancel = CancelToken()
				if dice.random() < 0.3:
					threading.Timer(dice.random() * 0.002, cancel.cancel).start()
				with suppress(OutOfDeviceMemory, JobCancelled):
					bench.run(fake(dice.choice(NAMES), *dice.choice(PATCHES[:3])), cancel=cancel)
				if dice.random() < 0.1:
					bench.store.unload()

		with ThreadPoolExecutor(4) as threads:
			for done in [threads.submit(work, number) for number in range(4)]:
				done.result(60)
		bench.settle()
		bench.store.unload()

		assert not bench.store.residents()
		assert set(bench.memory.used.values()) == {0}
