import gc
import weakref
from pathlib import Path

from engine.cache import ENTRY_BYTES
from engine.sockets import socket
from engine.spec import node
from tests.engine.tools import SUM, Bench, Nodes, graph


@socket('THING')
class Thing:
	"""Something that can be watched being let go."""

	def __init__(self, size: int = 0) -> None:
		self.nbytes = size

	def __str__(self) -> str:
		return 'a thing ' * 1000


class TestMemory:
	def test_a_cache_without_room_changes_nothing(self, tmp_path: Path, calls: list[str]) -> None:
		"""Values that are still needed are held whatever the cache keeps."""
		bench = Bench(tmp_path, budget=0)
		outcome = bench.run(graph(SUM))

		assert outcome.state == 'succeeded'
		assert sorted(calls) == ['one', 'see', 'sum', 'two']
		assert len(bench.memory) == 0

	def test_an_eviction_during_the_run_loses_nothing(self, tmp_path: Path) -> None:
		"""A cached value that a later step needs is held from the start, though an earlier step drives it out."""
		made: list[str] = []
		used: list[Thing] = []

		@node(category='test')
		def make(name: str) -> Thing:
			made.append(name)
			return Thing(600)

		@node(category='test', sink=True)
		def use(first: Thing, second: Thing) -> None:
			used.extend([first, second])

		bench = Bench(tmp_path, make, use, budget=1000 + 2 * ENTRY_BYTES)
		old = ('Make', {'name': 'old'})
		bench.run(graph({'old': old, 'use': ('Use', {'first': ('old', 0), 'second': ('old', 0)})}))
		assert made == ['old']
		asked: Nodes = {
			'new': ('Make', {'name': 'new'}),
			'old': old,
			'use': ('Use', {'first': ('new', 0), 'second': ('old', 0)}),
		}
		outcome = bench.run(graph(asked))

		assert outcome.state == 'succeeded'
		assert made == ['old', 'new']
		assert used[3] is used[0]
		assert used[2] is not used[0]

	def test_values_are_freed_after_their_last_reader(self, tmp_path: Path) -> None:
		"""While a later step runs, what nobody needs any more is gone."""
		things: list[weakref.ref[Thing]] = []
		alive: list[bool] = []

		@node(category='test')
		def make() -> Thing:
			thing = Thing()
			things.append(weakref.ref(thing))
			return thing

		@node(category='test')
		def use(thing: Thing, after: int = 0) -> int:
			return after + 1

		@node(category='test', sink=True)
		def look(value: int) -> None:
			gc.collect()
			alive.append(things[0]() is not None)

		@node(category='test')
		def peek(value: int) -> int:
			gc.collect()
			alive.append(things[0]() is not None)
			return value

		asked: Nodes = {
			'make': ('Make', {}),
			'first': ('Use', {'thing': ('make', 0)}),
			'between': ('Peek', {'value': ('first', 0)}),
			'second': ('Use', {'thing': ('make', 0), 'after': ('between', 0)}),
			'end': ('Look', {'value': ('second', 0)}),
		}
		outcome = Bench(tmp_path, make, use, look, peek, budget=0).run(graph(asked))

		assert outcome.state == 'succeeded'
		assert alive == [True, False]

	def test_nothing_is_held_after_the_run(self, tmp_path: Path) -> None:
		"""With no cache to keep them all values are gone, even those of a step that failed."""
		things: list[weakref.ref[Thing]] = []

		@node(category='test')
		def make() -> Thing:
			thing = Thing()
			things.append(weakref.ref(thing))
			return thing

		@node(category='test', sink=True)
		def refuse(thing: Thing) -> None:
			raise ValueError('no')

		bench = Bench(tmp_path, make, refuse, budget=0)
		outcome = bench.run(graph({'m': ('Make', {}), 'r': ('Refuse', {'thing': ('m', 0)})}))
		gc.collect()

		assert outcome.state == 'failed'
		assert [thing() for thing in things] == [None]
