"""Memory that runs out in the midst of a node."""

from __future__ import annotations

from pathlib import Path

from engine.compute import Compute
from engine.errors import OutOfDeviceMemory
from engine.events import NodeText
from engine.models import CPU, Place
from engine.spec import node
from tests.engine.device import Bench as Device
from tests.engine.device import fake
from tests.engine.tools import Bench, graph

OUT_OF_MEMORY = {'it': ('Hungry', {}), 'see': ('See', {'value': ('it', 0)})}


class TestSecondTry:
	def test_once_more(self, tmp_path: Path) -> None:
		"""The node is called again, people are told, and the job succeeds."""
		tries: list[int] = []

		@node(kind='Hungry', category='test')
		def hungry() -> int:
			tries.append(1)
			if len(tries) == 1:
				raise MemoryError
			return 7

		bench = Bench(tmp_path, hungry)
		outcome = bench.run(graph(OUT_OF_MEMORY))

		assert outcome.state == 'succeeded'
		assert len(tries) == 2
		assert [event.text for event in bench.events if isinstance(event, NodeText)] == [
			'Memory ran out; trying again with less of it.'
		]

	def test_not_twice(self, tmp_path: Path) -> None:
		"""The job fails, and the next one runs."""
		tries: list[int] = []

		@node(kind='Hungry', category='test')
		def hungry() -> int:
			tries.append(1)
			raise MemoryError('too much')

		bench = Bench(tmp_path, hungry)
		outcome = bench.run(graph(OUT_OF_MEMORY))

		assert outcome.state == 'failed'
		assert outcome.failure is not None
		assert outcome.failure.message == 'too much'
		assert len(tries) == 2
		assert bench.run(graph({'see': ('See', {'value': 1})})).state == 'succeeded'

	def test_other_errors(self, tmp_path: Path) -> None:
		"""They are no reason to try again; nor is a refusal of the store, which knew beforehand."""
		tries: list[int] = []

		@node(kind='Hungry', category='test')
		def hungry() -> int:
			tries.append(1)
			raise OutOfDeviceMemory(2, 1)

		bench = Bench(tmp_path, hungry)

		assert bench.run(graph(OUT_OF_MEMORY)).state == 'failed'
		assert len(tries) == 1

	def test_with_room_made(self) -> None:
		"""All that is unused has left, and a model that can be streamed is, in half of the room; afterwards it is not."""
		device = Device(10)
		device.run(fake('a:3'))
		with device.store.rooms.sparing():
			assert device.memory.used[CPU] == 0
			device.run(fake('b:3,3,3'))
			[resident] = device.store.residents()
			assert resident.room == 5
		device.run(fake('b:3,3,3'))

		assert [resident.room for resident in device.store.residents()] == [None]


class TestCompute:
	def test_packs_know_errors(self) -> None:
		"""What a library raises is told by its pack."""
		compute = Compute()
		compute.full.append(lambda error: 'CUDA out of memory' in str(error))

		assert compute.is_full(RuntimeError('CUDA out of memory. Tried to allocate'))
		assert compute.is_full(MemoryError())
		assert not compute.is_full(RuntimeError('no'))
		assert not compute.is_full(OutOfDeviceMemory(2, 1))

	def test_profile(self) -> None:
		"""The kind of device, and what packs add."""
		compute = Compute()
		assert compute.profile(Place('cuda:1')) == 'cuda'
		compute.profiles.append(lambda place, exact: 'float32' if exact else 'float16')

		assert compute.profile(Place('cuda:1')) == 'cuda-float16'
		assert compute.profile(Place('cuda:1'), exact=True) == 'cuda-float32'
		assert compute.profile(Place('cuda:1'), compiled=True) == 'cuda-float16-compiled'
