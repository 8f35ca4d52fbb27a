from pathlib import Path

import pytest

from engine.declaration import Choice, Input, NodeInfo, Number
from engine.settings import Settings
from engine.storage import Storage

FIXED = Choice(options=('a', 'b'))
MODEL = Choice(files_from='models:vae')
PICTURE = Choice(files_from='input:image', upload=True)


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
	"""A VAE, a picture, and a video in their folders."""
	for name in ('models/vae/one.pt', 'input/a.png', 'input/clip.mp4'):
		(tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
		(tmp_path / name).touch()
	return Storage.of(Settings(base=tmp_path))


class TestOptions:
	def test_fixed_ones_and_files(self, storage: Storage) -> None:
		"""A choice offers its own options, or what lies in its folder now."""
		assert storage.options(FIXED) == ('a', 'b')
		assert storage.options(MODEL) == ('one.pt',)
		assert storage.options(PICTURE) == ('a.png',)
		assert storage.options(Choice(files_from='models:nothing')) == ()

	def test_what_may_be_chosen(self, storage: Storage) -> None:
		"""An input file of another type may be named by hand; a model must lie in its folder."""
		assert storage.allows(FIXED, 'a')
		assert not storage.allows(FIXED, 'c')
		assert storage.allows(MODEL, 'one.pt')
		assert not storage.allows(MODEL, '../vae/one.pt')
		assert storage.allows(PICTURE, 'clip.mp4')
		assert storage.allows(PICTURE, 'a.png [input]')
		assert not storage.allows(PICTURE, 'a.png [temp]')


class TestDescribed:
	def test_file_choices_are_filled(self, storage: Storage) -> None:
		"""The declarations come back with what lies there; the originals and all else stay as they are."""
		info = NodeInfo(
			kind='A',
			title='A',
			category='test',
			inputs=(
				Input(name='vae', type='COMBO', widget=MODEL),
				Input(name='fixed', type='COMBO', widget=FIXED),
				Input(name='steps', type='INT', widget=Number()),
				Input(name='samples', type='LATENT'),
			),
		)
		[described] = storage.described([info])
		vae = described.inputs[0].widget

		assert isinstance(vae, Choice)
		assert vae.options == ('one.pt',)
		assert vae.files_from == 'models:vae'
		assert described.inputs[1:] == info.inputs[1:]
		assert info.inputs[0].widget == MODEL
		assert described.inputs_by_name['vae'].widget == vae
