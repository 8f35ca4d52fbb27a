"""Jobs and their pictures go from one data folder to another."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from engine.events import SavedFile
from engine.jobs import JobState
from engine.settings import Settings
from server.store import merge as merging
from server.store.archive import JobQuery
from server.store.bundle import MANIFEST, BadBundle, Bundle, CannotExport, NewBundle, Part, part_of
from server.store.database import DatabaseInUse, DatabaseUnreadable
from server.store.transfer import Exported, Imported, export_jobs, import_jobs
from tests.server.store.desk import Desk, damage, ids, rows, submission
from tests.server.store.test_database import REVISIONS, fill, make


def settings(base: Path) -> Settings:
	"""The settings of a data folder."""
	return Settings(base=base)


def picture(base: Path, name: str, content: bytes, folder: str = 'output') -> dict[str, Any]:
	"""A file in one of the folders, as a node shows it."""
	path = base / folder / name
	path.parent.mkdir(parents=True, exist_ok=True)
	path.write_bytes(content)
	subfolder, _, filename = name.rpartition('/')
	return {'filename': filename, 'subfolder': subfolder, 'type': folder}


async def opened(base: Path) -> Desk:
	"""The store of a data folder."""
	return await Desk(base / 'data').open()


async def filled(base: Path, prefix: str = '') -> Path:
	"""A data folder with three jobs that are over, one that waits, one that ran; and pictures."""
	desk = await opened(base)
	shown = [
		picture(base, 'a.png', b'first' + prefix.encode()),
		picture(base, 'sub/b.png', b'second'),
		picture(base, 'seen.png', b'input', 'input'),
		picture(base, 'temp.png', b'gone soon', 'temp'),
	]
	desk.run(f'{prefix}a', ui={'images': shown})
	desk.run(f'{prefix}b', state='failed')
	desk.run(f'{prefix}c', ui={'images': [picture(base, 'c.png', b'third')], 'text': ['hello']})
	desk.queue.submit(submission(key='key'), id=f'{prefix}waits')
	desk.queue.submit(submission(), id=f'{prefix}runs', number=-1)
	desk.queue.claim()
	desk.close()
	return base


async def exported(base: Path, target: Path) -> Path:
	"""An export of such a folder."""
	export_jobs(settings(await filled(base)), target)
	return target


def everything(base: Path) -> dict[str, bytes]:
	"""All files below a folder, but for the lock."""
	return {
		path.relative_to(base).as_posix(): path.read_bytes()
		for path in sorted(base.rglob('*'))
		if path.is_file() and path.suffix != '.lock'
	}


@pytest.fixture(params=['jobs.zip', 'jobs'])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
	"""What to export to."""
	return tmp_path / str(request.param)


class TestExport:
	"""Everything is written to one file or folder."""

	async def test_counts(self, tmp_path: Path, target: Path) -> None:
		"""Pictures of the output and the input folder come along, those that go anyway do not."""
		base = await filled(tmp_path / 'one')

		assert export_jobs(settings(base), target) == Exported(jobs=5, pictures=4, missing=0)

	async def test_nothing_is_changed(self, tmp_path: Path, target: Path) -> None:
		"""The data folder is as it was."""
		base = await filled(tmp_path / 'one')
		before = everything(base)
		export_jobs(settings(base), target)

		assert everything(base) == before

	async def test_while_a_server_runs(self, tmp_path: Path, target: Path) -> None:
		"""What is written at that moment is in it, and the server goes on."""
		desk = await opened(tmp_path / 'one')
		desk.run('a')
		await desk.store.writer.settled()
		done = export_jobs(settings(tmp_path / 'one'), target)
		desk.run('b')
		later = ids(await desk.store.archive.ended())
		desk.close()
		import_jobs(settings(tmp_path / 'two'), target)
		other = await opened(tmp_path / 'two')
		there = ids(await other.store.archive.ended())
		other.close()

		assert done.jobs == 1
		assert (later, there) == ('ab', 'a')

	async def test_missing_pictures(self, tmp_path: Path, target: Path) -> None:
		"""What somebody has deleted is counted; names that leave their folder are not followed."""
		base = await filled(tmp_path / 'one')
		(base / 'output' / 'a.png').unlink()
		(base / 'secret').write_text('not to be seen')
		damage(base / 'data', "UPDATE outputs SET ui_json = replace(ui_json, 'c.png', '../secret') WHERE job = 'c'")

		assert export_jobs(settings(base), target) == Exported(jobs=5, pictures=2, missing=2)
		assert b'not to be seen' not in b''.join(everything(target).values()) + (
			target.read_bytes() if target.is_file() else b''
		)

	async def test_what_was_forgotten_is_not_in_it(self, tmp_path: Path) -> None:
		"""Not even in the gaps of the file."""
		desk = await opened(tmp_path / 'one')
		desk.submit('a', extra={'note': 'a private remark'})
		desk.queue.clear()
		await desk.store.writer.settled()
		desk.store.jobs.forget()
		desk.close()
		export_jobs(settings(tmp_path / 'one'), tmp_path / 'jobs')

		assert b'private remark' not in b''.join(everything(tmp_path / 'jobs').values())

	async def test_nothing_to_export(self, tmp_path: Path, target: Path) -> None:
		"""Without a database there is no export, and none is made."""
		with pytest.raises(CannotExport, match='nothing to export'):
			export_jobs(settings(tmp_path / 'one'), target)

		assert not (tmp_path / 'one').exists()
		assert not target.exists()

	async def test_a_database_of_a_newer_version(self, tmp_path: Path, target: Path) -> None:
		"""Is refused by its own name, and nothing is left of the export."""
		base = await filled(tmp_path / 'one')
		damage(base / 'data', "UPDATE alembic_version SET version_num = 'later'")
		with pytest.raises(DatabaseUnreadable, match=r'one/data.*newer version'):
			export_jobs(settings(base), target)

		assert sorted(path.name for path in tmp_path.iterdir()) == ['one']

	async def test_broken_off(self, tmp_path: Path, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
		"""Nothing is left of it."""
		base = await filled(tmp_path / 'one')

		def fail(*_: object) -> None:
			raise OSError(28, 'No space left on device')

		monkeypatch.setattr(NewBundle, 'finish', fail)
		with pytest.raises(CannotExport, match='No space left'):
			export_jobs(settings(base), target)

		assert sorted(path.name for path in tmp_path.iterdir()) == ['one']


class TestImport:
	"""Into an empty folder."""

	async def test_everything_is_as_it_was(self, tmp_path: Path, target: Path) -> None:
		"""History, list, steps, pictures; what waited waits, what ran waits first; keys hold."""
		await exported(tmp_path / 'one', target)
		done = import_jobs(settings(tmp_path / 'two'), target)
		one, two = await opened(tmp_path / 'one'), await opened(tmp_path / 'two')
		before, after = [[vars(job) for job in await desk.store.archive.ended()] for desk in (one, two)]
		pages = [await desk.store.archive.page(JobQuery()) for desk in (one, two)]
		steps = [await desk.store.archive.steps('b') for desk in (one, two)]

		assert done == Imported(jobs=5, known=0, pictures=4, renamed=0)
		assert after == before
		assert [job['id'] for job in after] == ['a', 'b', 'c']
		assert pages[0] == pages[1]
		assert steps[0] == steps[1] != []
		assert two.order == one.order == ['runs', 'waits']
		assert two.queue.submit(submission(key='key')).id == 'waits'
		for name in ('output/a.png', 'output/sub/b.png', 'output/c.png', 'input/seen.png'):
			assert (tmp_path / 'two' / name).read_bytes() == (tmp_path / 'one' / name).read_bytes()
		assert not (tmp_path / 'two' / 'temp').exists()
		one.close()
		two.close()

	async def test_twice(self, tmp_path: Path, target: Path) -> None:
		"""The second time there is nothing to do."""
		await exported(tmp_path / 'one', target)
		import_jobs(settings(tmp_path / 'two'), target)
		before = everything(tmp_path / 'two')
		again = import_jobs(settings(tmp_path / 'two'), target)

		assert again == Imported(jobs=0, known=5, pictures=0, renamed=0)
		assert set(everything(tmp_path / 'two')) == set(before)

	async def test_where_it_came_from(self, tmp_path: Path, target: Path) -> None:
		"""Changes nothing either."""
		await exported(tmp_path / 'one', target)

		assert import_jobs(settings(tmp_path / 'one'), target) == Imported(jobs=0, known=5, pictures=0, renamed=0)

	@pytest.mark.parametrize('revision', REVISIONS)
	async def test_of_every_version(self, tmp_path: Path, revision: str) -> None:
		"""The tables of an older export are upgraded on their way."""
		target = await exported(tmp_path / 'one', tmp_path / 'jobs')
		make(tmp_path / 'old' / 'lumengraph.db', revision)
		fill(tmp_path / 'old' / 'lumengraph.db')
		forge(target, (tmp_path / 'old' / 'lumengraph.db').read_bytes())
		done = import_jobs(settings(tmp_path / 'two'), target)

		assert done == Imported(jobs=1, known=0, pictures=0, renamed=0)
		assert rows(tmp_path / 'two' / 'data', 'SELECT id, state FROM jobs') == [('a', 'succeeded')]


class TestMerge:
	"""Into a folder that has jobs of its own."""

	async def both(self, tmp_path: Path) -> tuple[Path, Imported]:
		"""The jobs of one folder came into another, whose jobs begin with x; both have an a.png."""
		target = await exported(tmp_path / 'one', tmp_path / 'jobs.zip')
		base = await filled(tmp_path / 'two', 'x')
		return base, import_jobs(settings(base), target)

	async def test_nothing_of_the_own_is_lost(self, tmp_path: Path) -> None:
		"""Known jobs are left as they are, others are added; ends stand in the order of their times."""
		target = await exported(tmp_path / 'one', tmp_path / 'jobs.zip')
		base = await filled(tmp_path / 'two', 'x')
		desk = await opened(base)
		desk.run('c', ui={'text': ['my own c']})
		desk.close()
		done = import_jobs(settings(base), target)
		desk = await opened(base)
		ended = await desk.store.archive.ended()
		own = await desk.store.archive.job('c')

		assert (done.jobs, done.known) == (4, 1)
		assert [job.id for job in ended] == ['a', 'b', 'xa', 'xb', 'xc', 'c']
		assert own.outputs['2'].root == {'text': ['my own c']}
		assert not (base / 'output' / 'c-2.png').exists()
		desk.run('later')
		assert ids(await desk.store.archive.ended(1)) == 'later'
		desk.close()

	async def test_queue(self, tmp_path: Path) -> None:
		"""Among equals, what came waits behind what was there; the own key stays the own job's."""
		base, _ = await self.both(tmp_path)
		desk = await opened(base)

		assert desk.order == ['xruns', 'runs', 'xwaits', 'waits']
		assert desk.queue.submit(submission(key='key')).id == 'xwaits'
		desk.queue.move('waits', before='xwaits')
		assert desk.order == ['xruns', 'runs', 'waits', 'xwaits']
		desk.close()

	async def test_a_name_that_is_taken(self, tmp_path: Path) -> None:
		"""The picture that comes gets another, which its job then shows in outputs and events; equal ones are one."""
		base, done = await self.both(tmp_path)
		desk = await opened(base)
		came, own = await desk.store.archive.job('a'), await desk.store.archive.job('xa')
		told = [event.model_dump()['ui'] for event in came.events if event.model_dump().get('ui')]

		assert done == Imported(jobs=5, known=0, pictures=1, renamed=1)
		assert came.outputs['2'].files == (
			SavedFile(filename='a-2.png'),
			SavedFile(filename='b.png', subfolder='sub'),
			SavedFile(filename='seen.png', type='input'),
			SavedFile(filename='temp.png', type='temp'),
		)
		assert told == [came.outputs['2'].root]
		assert own.outputs['2'].files[0] == SavedFile(filename='a.png')
		assert (base / 'output' / 'a.png').read_bytes() == b'firstx'
		assert (base / 'output' / 'a-2.png').read_bytes() == b'first'
		assert not (base / 'output' / 'sub' / 'b-2.png').exists()
		desk.close()

	async def test_a_picture_that_did_not_come(self, tmp_path: Path) -> None:
		"""Does not become another's that has its name here."""
		base = await filled(tmp_path / 'one')
		(base / 'output' / 'a.png').unlink()
		export_jobs(settings(base), tmp_path / 'jobs.zip')
		import_jobs(settings(await filled(tmp_path / 'two', 'x')), tmp_path / 'jobs.zip')
		desk = await opened(tmp_path / 'two')
		came = await desk.store.archive.job('a')
		desk.close()

		assert came.outputs['2'].files[0].filename == 'a-2.png'
		assert not (tmp_path / 'two' / 'output' / 'a-2.png').exists()

	async def test_numbers_of_events(self, tmp_path: Path) -> None:
		"""What came is numbered behind the own, so that who asks for what is new gets no old number twice."""
		target = await exported(tmp_path / 'one', tmp_path / 'jobs.zip')
		base = await filled(tmp_path / 'two', 'x')
		desk = await opened(base)
		before = await desk.store.archive.events(0)
		desk.close()
		import_jobs(settings(base), target)
		desk = await opened(base)
		after = await desk.store.archive.events(0)
		numbers = [number for number, _ in after]
		desk.submit('later')

		assert after[: len(before)] == before
		assert numbers == sorted(set(numbers))
		assert {event.job for _, event in after[len(before) :]} >= {'a', 'b', 'c', 'runs', 'waits'}
		assert desk.store.log.last > numbers[-1]
		desk.close()

	async def test_damaged_rows(self, tmp_path: Path) -> None:
		"""Come as they are, and are left out where they are read."""
		base = await filled(tmp_path / 'one')
		damage(base / 'data', "UPDATE outputs SET ui_json = '{' WHERE job = 'a'")
		damage(base / 'data', "UPDATE events SET body_json = '[[' WHERE job = 'a'")
		export_jobs(settings(base), tmp_path / 'jobs.zip')
		done = import_jobs(settings(tmp_path / 'two'), tmp_path / 'jobs.zip')
		desk = await opened(tmp_path / 'two')
		found = await desk.store.archive.job('a')
		desk.close()

		assert (done.jobs, done.pictures) == (5, 1)
		assert (found.state, found.outputs, found.events) == (JobState.SUCCEEDED, {}, [])


class TestRefused:
	"""Nothing is written before everything is looked at."""

	async def refused(self, tmp_path: Path, target: Path, reason: str) -> None:
		"""The folder is as it was, and an empty one stays empty."""
		base = await filled(tmp_path / 'two', 'x')
		before = everything(base)
		for folder in (base, tmp_path / 'three'):
			with pytest.raises((BadBundle, DatabaseUnreadable), match=reason):
				import_jobs(settings(folder), target)

		assert everything(base) == before
		assert not (tmp_path / 'three').exists()

	async def test_a_damaged_picture(self, tmp_path: Path) -> None:
		"""The last part of the export is not what it was."""
		target = await exported(tmp_path / 'one', tmp_path / 'jobs')
		sorted((target / 'pictures').iterdir())[-1].write_bytes(b'other')
		await self.refused(tmp_path, target, 'not what was exported')

	async def test_a_damaged_database(self, tmp_path: Path) -> None:
		"""Digests that fit do not make a database of it."""
		target = await exported(tmp_path / 'one', tmp_path / 'jobs')
		forge(target, b'no database' * 1000)
		await self.refused(tmp_path, target, 'not a database')

	async def test_a_newer_version(self, tmp_path: Path) -> None:
		"""Its tables are not known here."""
		target = await exported(tmp_path / 'one', tmp_path / 'jobs')
		damage(target, "UPDATE alembic_version SET version_num = 'later'")
		forge(target, (target / 'lumengraph.db').read_bytes())
		await self.refused(tmp_path, target, r'jobs.*newer version')

	@pytest.mark.parametrize('name', ['../../evil.png', '/tmp/evil.png', '..\\..\\evil.png', 'a\\u0000b'])
	async def test_names_that_leave_their_folder(self, tmp_path: Path, name: str) -> None:
		"""As a hostile export may have them."""
		target = await exported(tmp_path / 'one', tmp_path / 'jobs')
		written = name.replace('\\', '\\\\') if 'u0000' not in name else name
		damage(target, "UPDATE outputs SET ui_json = replace(ui_json, 'a.png', ?)", written)
		forge(target, (target / 'lumengraph.db').read_bytes())
		await self.refused(tmp_path, target, 'evil|NUL')

	async def test_while_a_server_runs(self, tmp_path: Path, target: Path) -> None:
		"""Its queue would not know of it."""
		await exported(tmp_path / 'one', target)
		desk = await opened(tmp_path / 'two')
		with pytest.raises(DatabaseInUse):
			import_jobs(settings(tmp_path / 'two'), target)

		assert not (tmp_path / 'two' / 'output').exists()
		desk.close()


class TestBrokenOff:
	"""An import ends in the middle."""

	@pytest.mark.parametrize('place', ['pictures', 'rows'])
	async def test_nothing_half_is_there(
		self, tmp_path: Path, target: Path, place: str, monkeypatch: pytest.MonkeyPatch
	) -> None:
		"""Neither jobs nor pictures; and it can be done again."""
		await exported(tmp_path / 'one', target)
		base = tmp_path / 'two'
		desk = await opened(base)
		desk.run('own', ui={'images': [picture(base, 'own.png', b'own')]})
		desk.close()
		before = pictures(base)
		copied = 0
		original = Bundle.copy

		def copy(bundle: Bundle, name: str, part: Part, sink: BinaryIO | None = None) -> None:
			nonlocal copied
			copied += sink is not None
			if copied == 3 and place == 'pictures':
				raise KeyboardInterrupt
			original(bundle, name, part, sink)

		def stop(_: object) -> None:
			raise KeyboardInterrupt

		with monkeypatch.context() as patch:
			patch.setattr(Bundle, 'copy', copy)
			if place == 'rows':
				patch.setattr(merging, '_sort_ends', stop)
			with pytest.raises(KeyboardInterrupt):
				import_jobs(settings(base), target)

		assert copied >= 3
		assert pictures(base) == before == {'output/own.png': b'own'}
		assert rows(base / 'data', 'SELECT id FROM jobs') == [('own',)]
		assert import_jobs(settings(base), target) == Imported(jobs=5, known=0, pictures=4, renamed=0)

	async def test_after_a_kill(self, tmp_path: Path, target: Path) -> None:
		"""Pictures that an import put there before it was killed are found, and not put there a second time."""
		await exported(tmp_path / 'one', target)
		for folder in ('output', 'input'):
			shutil.copytree(tmp_path / 'one' / folder, tmp_path / 'two' / folder)

		assert import_jobs(settings(tmp_path / 'two'), target) == Imported(jobs=5, known=0, pictures=0, renamed=0)


def pictures(base: Path) -> dict[str, bytes]:
	"""What lies in the folders of pictures."""
	return {name: content for name, content in everything(base).items() if not name.startswith('data/')}


def forge(target: Path, database: bytes) -> None:
	"""Make a folder's manifest fit to another database."""
	(target / 'lumengraph.db').write_bytes(database)
	manifest = json.loads((target / MANIFEST).read_text())
	manifest['database'] = part_of(target / 'lumengraph.db').model_dump()
	(target / MANIFEST).write_text(json.dumps(manifest))
