import io
import json
from pathlib import Path

import pytest
from PIL import Image

from engine.cancel import CancelToken
from engine.context import Context, JobInfo
from engine.errors import JobCancelled
from engine.events import AnyEvent, NodePreview, NodeProgress, NodeText, SavedFile, Ui
from engine.models import Load, Loaders, ModelRef
from engine.modelstore import ModelStore
from engine.settings import Settings
from engine.storage import Storage


class Desk:
	"""A context, and what it published."""

	def __init__(self, folder: Path, job: JobInfo) -> None:
		self.events: list[AnyEvent] = []
		self.cancel = CancelToken()
		self.loaders = Loaders()
		self.storage = Storage.of(Settings(base=folder))
		self.context = Context(
			job,
			'n',
			models=ModelStore(self.loaders, self.storage.catalogue.find, budget=2**20),
			storage=self.storage,
			cancel=self.cancel,
			publish=self.events.append,
		)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
	"""A node of a job that wants previews."""
	job = JobInfo('j', '{"1": {"class_type": "A", "inputs": {}}}', {'workflow': {'nodes': []}}, previews='auto')
	return Desk(tmp_path, job)


class TestProgress:
	def test_it_is_told(self, desk: Desk) -> None:
		"""With job, node and phase."""
		desk.context.progress(1, 4, phase='sampling')
		[event] = desk.events

		assert isinstance(event, NodeProgress)
		assert (event.job, event.node, event.done, event.total, event.phase) == ('j', 'n', 1, 4, 'sampling')

	def test_it_stops_a_cancelled_job(self, desk: Desk) -> None:
		"""So that a node that tells of its progress needs no other check."""
		desk.cancel.cancel()
		with pytest.raises(JobCancelled):
			desk.context.progress(1, 4)
		with pytest.raises(JobCancelled):
			desk.context.check_cancelled()


class TestModels:
	def test_a_load_sees_the_jobs_cancel(self, desk: Desk) -> None:
		"""A node leases weights without a word of the token; its job's cancel ends the load."""
		path = desk.storage.catalogue.places['vae'][0] / 'a.pt'
		path.parent.mkdir(parents=True)
		path.write_bytes(b'weights')
		ref = ModelRef[memoryview](desk.storage.catalogue.digest(path), 'vae')

		def load(load: Load) -> memoryview:
			load.cancel.check()
			return memoryview(load.path.read_bytes())

		desk.loaders.add('vae', load)
		with desk.context.models.use(ref) as weights:
			assert weights.tobytes() == b'weights'
		desk.cancel.cancel()
		other = ModelRef[memoryview](ref.file, 'vae', 'float16')
		with pytest.raises(JobCancelled), desk.context.models.use(other):
			pass

	def test_what_there_is_to_know_of_weights_is_told_to_all_who_use_them(self, desk: Desk) -> None:
		"""Not only to the one whose lease has loaded them, in a thread that knows no node."""
		path = desk.storage.catalogue.places['vae'][0] / 'a.pt'
		path.parent.mkdir(parents=True)
		path.write_bytes(b'weights')
		ref = ModelRef[memoryview](desk.storage.catalogue.digest(path), 'vae')

		def load(load: Load) -> memoryview:
			load.note('One tensor fits nothing.')
			return memoryview(load.path.read_bytes())

		desk.loaders.add('vae', load)
		for _ in range(2):
			with desk.context.models.use(ref):
				pass

		assert [event.text for event in desk.events if isinstance(event, NodeText)] == 2 * ['One tensor fits nothing.']


class TestPreviews:
	def test_they_are_small_pictures(self, desk: Desk) -> None:
		"""JPEG, at most 512 pixels a side, whatever was given; the given picture is unchanged."""
		picture = Image.new('RGBA', (1024, 256))
		desk.context.preview(picture)
		[event] = desk.events

		assert isinstance(event, NodePreview)
		with Image.open(io.BytesIO(event.image)) as seen:
			assert (seen.format, seen.size, seen.mode) == ('JPEG', (512, 128), 'RGB')
		assert picture.size == (1024, 256)

	def test_who_does_not_want_them_gets_none(self, tmp_path: Path) -> None:
		"""Nothing is encoded for nobody."""
		desk = Desk(tmp_path, JobInfo('j'))
		desk.context.preview(Image.new('RGB', (8, 8)))

		assert desk.events == []


class TestSendImage:
	@pytest.mark.parametrize('mode', ['RGB', 'RGBA', 'L', 'CMYK'])
	def test_a_result_comes_whole(self, tmp_path: Path, mode: str) -> None:
		"""A PNG of the picture's own size and pixels, also to a client that wants no previews."""
		desk = Desk(tmp_path, JobInfo('j'))
		picture = Image.effect_noise((600, 4), 50).convert(mode)
		desk.context.send_image(picture)
		[event] = desk.events

		assert isinstance(event, NodePreview)
		assert event.format == 'PNG'
		with Image.open(io.BytesIO(event.image)) as seen:
			assert seen.format == 'PNG'
			assert seen.tobytes() == (picture.convert('RGB') if mode == 'CMYK' else picture).tobytes()

	def test_limited_side(self, desk: Desk) -> None:
		"""It is shrunk to what is allowed and never enlarged; JPEG has no transparency."""
		for size in ((100, 50), (20, 40)):
			desk.context.send_image(Image.new('RGBA', size), format='JPEG', side=40)
		sizes = []
		for event in desk.events:
			assert isinstance(event, NodePreview)
			with Image.open(io.BytesIO(event.image)) as seen:
				sizes.append((seen.format, seen.mode, seen.size))

		assert sizes == [('JPEG', 'RGB', (40, 20)), ('JPEG', 'RGB', (20, 40))]


class TestWords:
	def test_what_is_said(self, desk: Desk) -> None:
		"""Words and messages are told with job and node."""
		desk.context.note('half way')
		desk.context.announce('mine', {'a': [1]})
		desk.context.announce('mine', {}, everyone=True)
		said = [event.model_dump(exclude={'at', 'type'}) for event in desk.events]

		assert said == [
			{'job': 'j', 'node': 'n', 'text': 'half way'},
			{'job': 'j', 'node': 'n', 'name': 'mine', 'data': {'a': [1]}, 'everyone': False},
			{'job': 'j', 'node': 'n', 'name': 'mine', 'data': {}, 'everyone': True},
		]


class TestPictures:
	def test_a_saved_picture_is_shown(self, desk: Desk) -> None:
		"""The node's ui lists its pictures in the order of saving."""
		before = desk.context.ui
		first = desk.context.save_image(Image.new('RGB', (8, 8)), 'a')
		second = desk.context.save_image(Image.new('RGB', (8, 8)), 'a', folder='temp')
		there = SavedFile(filename='x.png', type='input')
		desk.context.show_images(there)

		assert before is None
		assert desk.context.ui == Ui.of_images(first, second, there)
		assert (first.type, second.type) == ('output', 'temp')

	def test_the_workflow_is_in_it(self, desk: Desk) -> None:
		"""The prompt as it was submitted, and what goes beside it."""
		saved = desk.context.save_image(Image.new('RGB', (8, 8)), 'a')
		with Image.open(desk.storage.files.saved(saved)) as picture:
			told = {key: json.loads(text) for key, text in picture.info.items()}

		assert told == {'prompt': {'1': {'class_type': 'A', 'inputs': {}}}, 'workflow': {'nodes': []}}

	def test_without_a_prompt_nothing_is_in_it(self, tmp_path: Path) -> None:
		"""A job without one leaves no empty chunk."""
		desk = Desk(tmp_path, JobInfo('j'))
		with Image.open(desk.storage.files.saved(desk.context.save_image(Image.new('RGB', (8, 8)), 'a'))) as picture:
			assert picture.info == {}


class TestShowing:
	def test_lists_are_joined_by_name(self, desk: Desk) -> None:
		"""What is shown later comes behind."""
		desk.context.show(text=['a'], other=[1])
		desk.context.show(text=['b', 'c'])

		assert desk.context.ui == Ui({'text': ['a', 'b', 'c'], 'other': [1]})

	def test_what_was_told_stays_as_it_was(self, desk: Desk) -> None:
		"""A ui that somebody holds does not grow."""
		desk.context.show(text=['a'])
		before = desk.context.ui
		desk.context.show(text=['b'])

		assert before == Ui({'text': ['a']})

	def test_a_lone_call_has_no_number_and_an_empty_graph(self, desk: Desk) -> None:
		"""Unless a run gives it one."""
		assert desk.context.index is None
		assert list(desk.context.graph.calls) == []
