import threading
import traceback
import weakref
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from engine.cancel import CancelToken
from engine.errors import JobCancelled, ModelError, ModelLoadCancelled, OutOfDeviceMemory, UnknownFormat
from engine.loading import LoadStep
from engine.models import CPU, FileDigest, Load, Loaders, ModelRef, Setting, Size, Use, WeightPatch
from engine.modelstore import ModelStore

MIB = 2**20


@dataclass
class Weights:
	"""So many bytes, by name."""

	name: str
	nbytes: int

	def patched(self, patches: Sequence[WeightPatch], load: Load) -> 'Weights':
		told = ''
		for patch in patches:
			assert isinstance(patch, Lora)
			others = ''.join(f'({load.use(other).name})' for other in patch.others)
			told += f' +{patch.size}{others}'
		return Weights(self.name + told, sum(patch.size for patch in patches if isinstance(patch, Lora)) * MIB)


@dataclass
class Plain:
	"""Weights that nothing can be done with."""

	nbytes: int


def ref(name: str, part: str = 'unet', dtype: str = 'auto') -> ModelRef[Weights]:
	"""A recipe; the file's name is its digest here."""
	return ModelRef[Weights](FileDigest(name), part, dtype)


class Shelf:
	"""A store of ten MiB whose loader makes weights of as many MiB as the file's name says: `a3` has three."""

	def __init__(
		self, during: Callable[[str, CancelToken], None] = lambda name, cancel: None, *, measured: bool = False
	) -> None:
		self.loaded: list[str] = []
		self.during = during
		self.loaders = Loaders()
		self.loaders.add('unet', self.load, self.measure if measured else None)
		self.store = ModelStore(self.loaders, lambda digest: Path(digest), budget=10 * MIB)

	def load(self, load: Load) -> Weights:
		self.loaded.append(load.path.name)
		self.during(load.path.name, load.cancel)
		return Weights(load.path.name, int(load.path.name[1:]) * MIB)

	def measure(self, load: Load) -> Size:
		return Size(int(load.path.name[1:]) * MIB)

	def ask(self, name: str, cancel: CancelToken | None) -> str:
		"""Use a model; gives its name."""
		with self.store.use(ref(name), cancel=cancel) as weights:
			return weights.name

	def touch(self, *names: str) -> None:
		"""Use models one after the other."""
		for name in names:
			with self.store.use(ref(name)):
				pass

	@property
	def residents(self) -> list[str]:
		"""What is in memory, least recently used first."""
		return [str(resident.ref.file) for resident in self.store.residents()]


def wait_for_askers(store: ModelStore, count: int) -> None:
	"""Wait until so many wait for loads that nobody has cancelled."""
	with store.rooms.changed:
		while True:
			loads = [resident.load for resident in store.rooms.residents.values()]
			if sum(len(load.askers) for load in loads if load is not None and not load.token.cancelled) == count:
				return
			store.rooms.changed.wait(0.01)


def settled(store: ModelStore) -> None:
	"""Wait until no load runs any more."""
	with store.rooms.changed:
		assert store.rooms.changed.wait_for(lambda: not any(item.load for item in store.rooms.residents.values()), 30)


class TestUse:
	def test_weights_are_loaded_once_and_stay(self) -> None:
		"""The second use finds them resident."""
		shelf = Shelf()
		with shelf.store.use(ref('a3')) as first:
			pass
		with shelf.store.use(ref('a3')) as second:
			assert second is first

		assert first.name == 'a3'
		assert shelf.loaded == ['a3']

	def test_parts_and_precisions_are_different_weights(self) -> None:
		"""Each recipe is loaded for itself, by the loader of its part with its precision."""
		seen: list[str] = []

		def load(load: Load) -> Weights:
			seen.append(load.dtype)
			return Weights(load.path.name, MIB)

		shelf = Shelf()
		shelf.loaders.add('vae', load)
		for wanted in (ref('a3'), ref('a3', 'vae'), ref('a3', 'vae', 'float16')):
			with shelf.store.use(wanted):
				pass

		assert shelf.loaded == ['a3']
		assert seen == ['auto', 'float16']
		assert len(shelf.residents) == 3

	def test_concurrent_askers_load_once(self) -> None:
		"""However many threads ask at the same time, one loads and all get the same weights."""
		hold, began = threading.Event(), threading.Event()

		def during(name: str, cancel: CancelToken) -> None:
			began.set()
			hold.wait(30)

		shelf = Shelf(during)

		def ask() -> Weights:
			with shelf.store.use(ref('a3')) as weights:
				return weights

		with ThreadPoolExecutor(8) as threads:
			asked = [threads.submit(ask) for _ in range(8)]
			began.wait(30)
			hold.set()
			got = {id(future.result(30)) for future in asked}

		assert len(got) == 1
		assert shelf.loaded == ['a3']
		assert [resident.leases for resident in shelf.store.residents()] == [0]

	def test_different_models_load_side_by_side(self) -> None:
		"""A slow load does not hold up another one."""
		both = threading.Barrier(2)

		def during(name: str, cancel: CancelToken) -> None:
			both.wait(30)

		shelf = Shelf(during)
		with ThreadPoolExecutor(2) as threads:
			asked = [threads.submit(shelf.touch, name) for name in ('a3', 'b3')]
			for future in asked:
				future.result(30)

		assert sorted(shelf.residents) == ['a3', 'b3']

	def test_a_lease_ends_with_an_error(self) -> None:
		"""A node that raises within the block gives its weights back."""
		shelf = Shelf()
		with pytest.raises(ZeroDivisionError), shelf.store.use(ref('a3')):
			raise ZeroDivisionError

		assert [resident.leases for resident in shelf.store.residents()] == [0]
		assert shelf.store.unload() == 3 * MIB


class TestRoom:
	def test_the_least_recently_used_leaves(self) -> None:
		"""Only as many as must, and use makes recent."""
		shelf = Shelf()
		shelf.touch('a3', 'b3', 'c3', 'a3', 'd4')

		assert shelf.residents == ['c3', 'a3', 'd4']
		shelf.touch('b3')
		assert shelf.loaded == ['a3', 'b3', 'c3', 'd4', 'b3']

	def test_leased_weights_stay(self) -> None:
		"""What is in use does not leave, however old it is."""
		shelf = Shelf()
		with shelf.store.use(ref('a4')):
			shelf.touch('b3', 'c3', 'd5')

			assert shelf.residents == ['a4', 'd5']

	def test_no_room(self) -> None:
		"""The error tells how much is needed, could be free, and is held; nothing leaves for what has no room anyway."""
		shelf = Shelf()
		with shelf.store.use(ref('a6')):
			shelf.touch('b3')
			with pytest.raises(
				OutOfDeviceMemory, match=r'5 MiB are needed, 4 MiB are free\. In use: unet of a6 \(6 MiB\)'
			) as caught:
				shelf.touch('c5')

			assert (caught.value.needed, caught.value.free) == (5 * MIB, 4 * MIB)
			assert shelf.residents == ['a6', 'b3']

		shelf.touch('c5')
		assert shelf.residents == ['b3', 'c5']

	def test_a_model_larger_than_all(self) -> None:
		"""It cannot be had, and the store goes on."""
		shelf = Shelf()
		with pytest.raises(OutOfDeviceMemory):
			shelf.touch('a11')
		shelf.touch('b10')

		assert shelf.residents == ['b10']

	def test_nested_leases_of_one_model(self) -> None:
		"""It stays until the last of them ends."""
		shelf = Shelf()
		with shelf.store.use(ref('a6')):
			with shelf.store.use(ref('a6')):
				pass
			assert shelf.store.unload() == 0
			assert shelf.residents == ['a6']

	def test_unload(self) -> None:
		"""What nobody leases goes, and the bytes are told."""
		shelf = Shelf()
		shelf.touch('b2', 'c3')
		with shelf.store.use(ref('a4')):
			assert shelf.store.unload() == 5 * MIB
			assert shelf.residents == ['a4']

		assert shelf.store.unload() == 4 * MIB
		assert shelf.store.unload() == 0


@dataclass(frozen=True)
class Lora(WeightPatch):
	"""Changes so many MiB."""

	size: int
	others: tuple[ModelRef[Any], ...] = ()

	def refs(self) -> tuple[ModelRef[Any], ...]:
		return self.others


@dataclass(frozen=True)
class Wrapped(Setting):
	"""A view that knows its label, and may lease another model."""

	label: str
	other: ModelRef[Any] | None = None

	def apply(self, model: Any, use: Use) -> Any:
		return (self.label, model, None if self.other is None else use(self.other))


class TestPatches:
	def test_a_patched_set_shares_its_base(self) -> None:
		"""It is a resident of its own that counts what it changes only; the base is loaded once."""
		shelf = Shelf()
		with shelf.store.use(ref('a6').patched(Lora(1), Lora(2))) as patched:
			assert patched.name == 'a6 +1 +2'
		with shelf.store.use(ref('a6')) as base:
			assert base.name == 'a6'

		assert shelf.loaded == ['a6']
		assert [resident.nbytes for resident in shelf.store.residents()] == [3 * MIB, 6 * MIB]

	def test_a_base_stays_while_patched_sets_need_it(self) -> None:
		"""Patched sets leave before their base, though it was used less recently."""
		shelf = Shelf()
		with shelf.store.use(ref('a5').patched(Lora(1))):
			pass
		shelf.touch('b5')

		assert shelf.residents == ['a5', 'b5']
		assert [resident.ref.patches for resident in shelf.store.residents()] == [(), ()]

	def test_a_leased_patched_set_keeps_its_base(self) -> None:
		"""The base is in use as well, though nobody leases it."""
		shelf = Shelf()
		with shelf.store.use(ref('a5').patched(Lora(1))):
			assert shelf.store.unload() == 0
			with pytest.raises(OutOfDeviceMemory):
				shelf.touch('b5')

		assert shelf.store.unload() == 6 * MIB

	def test_a_model_that_cannot_be_patched(self) -> None:
		"""The part is named."""
		shelf = Shelf()
		shelf.loaders.add('vae', lambda load: Plain(MIB))
		with (
			pytest.raises(ModelError, match="'vae' cannot be patched"),
			shelf.store.use(ref('a5', 'vae').patched(Lora(1))),
		):
			pass

	def test_other_models_of_a_patch(self) -> None:
		"""They are leased while the patch is applied, not longer."""
		shelf = Shelf()
		with shelf.store.use(ref('a2').patched(Lora(1, (ref('b3'),)))) as patched:
			assert patched.name == 'a2 +1(b3)'
			assert {str(resident.ref.file): resident.leases for resident in shelf.store.residents()}['b3'] == 0

	def test_settings_are_views_per_lease(self) -> None:
		"""They nest in their order, load nothing, and enter no resident."""
		shelf = Shelf()
		recipe: ModelRef[Any] = ref('a2').patched(Wrapped('x'), Wrapped('y'))
		with shelf.store.use(recipe) as shown:
			assert shown == ('y', ('x', Weights('a2', 2 * MIB), None), None)
		with shelf.store.use(ref('a2')) as plain:
			assert plain.name == 'a2'

		assert shelf.loaded == ['a2']
		assert [resident.ref.patches for resident in shelf.store.residents()] == [()]

	def test_a_setting_leases_another_model(self) -> None:
		"""For as long as the model itself is leased."""
		shelf = Shelf()
		recipe: ModelRef[Any] = ref('a2').patched(Wrapped('x', ref('b3')))
		with shelf.store.use(recipe) as shown:
			assert shown == ('x', Weights('a2', 2 * MIB), Weights('b3', 3 * MIB))
			assert [resident.leases for resident in shelf.store.residents()] == [1, 1]

		assert [resident.leases for resident in shelf.store.residents()] == [0, 0]


class TestFailingLoads:
	def test_the_store_stays_usable(self) -> None:
		"""The error reaches the asker; the next one tries again."""
		broken = [True]

		def during(name: str, cancel: CancelToken) -> None:
			if broken.pop() if broken else False:
				raise UnknownFormat(name, 'it is damaged')

		shelf = Shelf(during)
		with pytest.raises(UnknownFormat, match='it is damaged'):
			shelf.touch('a3')
		assert shelf.residents == []
		shelf.touch('a3')

		assert shelf.residents == ['a3']

	def test_who_waited_gets_the_error_too(self) -> None:
		"""A load that fails does so once for all who wait for it; nobody hangs."""
		began, hold = threading.Event(), threading.Event()

		def during(name: str, cancel: CancelToken) -> None:
			began.set()
			hold.wait(30)
			raise UnknownFormat(name, 'it is damaged')

		shelf = Shelf(during)
		with ThreadPoolExecutor(4) as threads:
			asked = [threads.submit(shelf.touch, 'a3') for _ in range(4)]
			began.wait(30)
			wait_for_askers(shelf.store, 4)
			hold.set()
			errors = [future.exception(30) for future in asked]

		assert [type(error) for error in errors] == [UnknownFormat] * 4
		assert len(shelf.loaded) == 1
		assert shelf.residents == []

	def test_a_file_that_is_gone(self) -> None:
		"""The finder's error reaches the asker and leaves nothing half-done."""

		def find(digest: FileDigest) -> Path:
			raise FileNotFoundError(digest)

		store = ModelStore(Loaders(), find, budget=1)
		for _ in range(2):
			with pytest.raises(FileNotFoundError), store.use(ref('a3')):
				pass

	def test_a_part_without_loader(self) -> None:
		"""The part is named."""
		shelf = Shelf()
		with (
			pytest.raises(ModelError, match="No loader is known for the model part 'text'"),
			shelf.store.use(ref('a1', 'text')),
		):
			pass


class TestCancel:
	def test_while_waiting_for_another_asker(self) -> None:
		"""A cancelled job stops waiting; the load goes on for the one who began it."""
		began, hold, cancel = threading.Event(), threading.Event(), CancelToken()

		def during(name: str, token: CancelToken) -> None:
			began.set()
			hold.wait(30)

		shelf = Shelf(during)
		with ThreadPoolExecutor(1) as threads:
			loading = threads.submit(shelf.touch, 'a3')
			began.wait(30)
			cancel.cancel()
			with pytest.raises(JobCancelled), shelf.store.use(ref('a3'), cancel=cancel):
				pass
			assert not loading.done()
			hold.set()
			loading.result(30)

		assert shelf.loaded == ['a3']
		assert shelf.residents == ['a3']

	def test_the_first_asker_gives_up(self) -> None:
		"""The load goes on for the one who joined it, and is made once."""
		began, hold, cancel = threading.Event(), threading.Event(), CancelToken()

		def during(name: str, token: CancelToken) -> None:
			began.set()
			hold.wait(30)
			token.check()

		shelf = Shelf(during)
		with ThreadPoolExecutor(2) as threads:
			first = threads.submit(shelf.ask, 'a3', cancel)
			began.wait(30)
			second = threads.submit(shelf.ask, 'a3', None)
			wait_for_askers(shelf.store, 2)
			cancel.cancel()

			assert isinstance(first.exception(30), JobCancelled)
			hold.set()
			assert second.result(30) == 'a3'
		assert shelf.loaded == ['a3']
		assert [resident.leases for resident in shelf.store.residents()] == [0]

	def test_everybody_gives_up(self) -> None:
		"""Whoever waits is gone at once; the load ends when it looks, and leaves the store as it was."""
		began, cancel, noticed = threading.Event(), CancelToken(), threading.Event()

		def during(name: str, token: CancelToken) -> None:
			began.set()
			token.wait(30)
			noticed.wait(30)
			token.check()

		shelf = Shelf(during)
		with ThreadPoolExecutor(1) as threads:
			asked = threads.submit(shelf.ask, 'a3', cancel)
			began.wait(30)
			cancel.cancel()
			assert isinstance(asked.exception(30), JobCancelled)
		noticed.set()
		settled(shelf.store)

		assert shelf.residents == []
		assert shelf.store.rooms.residency.used(CPU) == 0

	def test_by_its_id(self) -> None:
		"""A load can be called off for all who wait; they get its id and the reason, and the next one loads anew."""
		began, rounds = threading.Event(), [1]

		def during(name: str, token: CancelToken) -> None:
			if rounds:
				rounds.pop()
				began.set()
				token.wait(30)
				token.check()

		shelf = Shelf(during)
		with ThreadPoolExecutor(2) as threads:
			asked = [threads.submit(shelf.ask, 'a3', None) for _ in range(2)]
			began.wait(30)
			wait_for_askers(shelf.store, 2)
			[resident] = shelf.store.residents()
			assert shelf.store.cancel_load(resident.id, 'it takes too long')
			errors = [future.exception(30) for future in asked]

		assert all(isinstance(error, ModelLoadCancelled) for error in errors)
		assert {(error.id, error.reason) for error in errors if isinstance(error, ModelLoadCancelled)} == {
			(resident.id, 'it takes too long')
		}
		assert shelf.ask('a3', None) == 'a3'
		assert not shelf.store.cancel_load(resident.id)

	def test_a_cancelled_load_is_waited_for(self) -> None:
		"""Its room is not free before it has ended, and counts as coming free until then."""
		began, cancel, noticed = threading.Event(), CancelToken(), threading.Event()

		def during(name: str, token: CancelToken) -> None:
			if name == 'a6':
				began.set()
				noticed.wait(30)
				token.check()

		shelf = Shelf(during, measured=True)
		with ThreadPoolExecutor(2) as threads:
			first = threads.submit(shelf.ask, 'a6', cancel)
			began.wait(30)
			cancel.cancel()
			assert isinstance(first.exception(30), JobCancelled)
			second = threads.submit(shelf.ask, 'b6', None)
			wait_for_askers(shelf.store, 1)
			assert shelf.loaded == ['a6']
			noticed.set()

			assert second.result(30) == 'b6'
		assert shelf.residents == ['b6']


class TestProgress:
	def test_phases_and_bytes_reach_those_who_wait(self) -> None:
		"""Each phase is told, then the end; a later asker hears nothing of a load that is over."""
		steps: list[LoadStep] = []
		shelf = Shelf()

		def load(load: Load) -> Weights:
			load.phase('loading_model', 4 * MIB)
			load.advance(4 * MIB)
			load.phase('optimization')
			return Weights('a4', 4 * MIB)

		shelf.loaders.add('vae', load)
		with shelf.store.use(ref('a4', 'vae'), watch=steps.append):
			pass
		with shelf.store.use(ref('a4', 'vae'), watch=steps.append):
			pass

		assert [(step.phase, step.done, step.total, step.state) for step in steps] == [
			('initialization', 0, 0, 'loading'),
			('loading_model', 0, 4 * MIB, 'loading'),
			('loading_model', 4 * MIB, 4 * MIB, 'loading'),
			('optimization', 0, 0, 'loading'),
			('optimization', 0, 0, 'ready'),
		]
		assert {step.name for step in steps} == {'a4'}

	def test_not_too_often(self) -> None:
		"""A thousand small tensors are not a thousand steps."""
		steps: list[LoadStep] = []
		shelf = Shelf()

		def load(load: Load) -> Weights:
			load.phase('loading_model', 1000)
			for _ in range(1000):
				load.advance(1)
			return Weights('a1', MIB)

		shelf.loaders.add('vae', load)
		with shelf.store.use(ref('a1', 'vae'), watch=steps.append):
			pass

		assert len(steps) < 500
		assert (steps[-2].done, steps[-1].state) == (1000, 'ready')

	def test_the_base_of_a_patched_set(self) -> None:
		"""Who waits for the set hears of the loads that it needs."""
		steps: list[LoadStep] = []
		shelf = Shelf()
		with shelf.store.use(ref('a4').patched(Lora(1)), watch=steps.append):
			pass

		assert [len(step.ref.patches) for step in steps if step.state == 'ready'] == [0, 1]

	@pytest.mark.parametrize('error', [UnknownFormat('a3', 'it is damaged'), ValueError('no')])
	def test_a_failure(self, error: Exception) -> None:
		"""Its end is told as well, and what was read is let go of with the error still at hand."""
		steps: list[LoadStep] = []
		read: list[weakref.ref[Weights]] = []
		shelf = Shelf()

		def load(load: Load) -> Weights:
			weights = Weights('a1', MIB)
			read.append(weakref.ref(weights))
			raise error

		shelf.loaders.add('vae', load)
		with pytest.raises(type(error)) as caught, shelf.store.use(ref('a1', 'vae'), watch=steps.append):
			pass

		assert steps[-1].state == 'failed'
		assert read[0]() is None
		assert 'in load' in ''.join(traceback.format_exception(caught.value))
