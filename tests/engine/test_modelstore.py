import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from engine.cancel import CancelToken
from engine.errors import JobCancelled, ModelError, OutOfDeviceMemory, UnknownFormat
from engine.models import FileDigest, Load, Loaders, ModelRef, Setting, Use, WeightPatch
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

	def __init__(self, during: Callable[[str, CancelToken], None] = lambda name, cancel: None) -> None:
		self.loaded: list[str] = []
		self.during = during
		self.loaders = Loaders()
		self.loaders.add('unet', self.load)
		self.store = ModelStore(self.loaders, lambda digest: Path(digest), budget=10 * MIB)

	def load(self, load: Load) -> Weights:
		self.loaded.append(load.path.name)
		self.during(load.path.name, load.cancel)
		return Weights(load.path.name, int(load.path.name[1:]) * MIB)

	def touch(self, *names: str) -> None:
		"""Use models one after the other."""
		for name in names:
			with self.store.use(ref(name)):
				pass

	@property
	def residents(self) -> list[str]:
		"""What is in memory, least recently used first."""
		return [str(resident.ref.file) for resident in self.store.residents()]


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
		"""When all that is unused has left and it is not enough, the error tells how much is needed, free and held."""
		shelf = Shelf()
		with shelf.store.use(ref('a6')):
			shelf.touch('b3')
			with pytest.raises(
				OutOfDeviceMemory, match=r'5 MiB are needed, 4 MiB are free\. In use: unet \(6 MiB\)'
			) as caught:
				shelf.touch('c5')

			assert (caught.value.needed, caught.value.free) == (5 * MIB, 4 * MIB)
			assert shelf.residents == ['a6']

		shelf.touch('c5')
		assert shelf.residents == ['c5']

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

	def test_who_waited_tries_for_himself(self) -> None:
		"""Each asker gets the error of its own try; nobody hangs."""
		began, hold = threading.Event(), threading.Event()

		def during(name: str, cancel: CancelToken) -> None:
			began.set()
			hold.wait(30)
			raise UnknownFormat(name, 'it is damaged')

		shelf = Shelf(during)
		with ThreadPoolExecutor(4) as threads:
			asked = [threads.submit(shelf.touch, 'a3') for _ in range(4)]
			began.wait(30)
			hold.set()
			errors = [future.exception(30) for future in asked]

		assert [type(error) for error in errors] == [UnknownFormat] * 4
		assert len(shelf.loaded) == 4
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

	def test_while_loading(self) -> None:
		"""The loader sees the asker's token; one who waited loads for himself."""
		began, cancel = threading.Event(), CancelToken()

		def during(name: str, token: CancelToken) -> None:
			if token is cancel:
				began.set()
				token.wait(30)
			token.check()

		shelf = Shelf(during)

		def ask(token: CancelToken | None) -> Any:
			with shelf.store.use(ref('a3'), cancel=token):
				return 'got'

		with ThreadPoolExecutor(2) as threads:
			first = threads.submit(ask, cancel)
			began.wait(30)
			second = threads.submit(ask, None)
			cancel.cancel()

			assert isinstance(first.exception(30), JobCancelled)
			assert second.result(30) == 'got'
