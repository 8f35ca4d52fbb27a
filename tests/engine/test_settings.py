from pathlib import Path

import pytest
from pydantic import ValidationError

from engine.settings import PROJECT, Settings


class TestFolders:
	def test_they_lie_in_the_base(self, tmp_path: Path) -> None:
		"""Unless they are named one by one."""
		settings = Settings(base=tmp_path)

		assert settings.input_folder == tmp_path / 'input'
		assert settings.output_folder == tmp_path / 'output'
		assert settings.temp_folder == tmp_path / 'temp'
		assert settings.models_folder == tmp_path / 'models'
		assert settings.user_folder == tmp_path / 'user'

	def test_each_can_be_elsewhere(self, tmp_path: Path) -> None:
		"""A folder that is named is taken, the others stay in the base."""
		settings = Settings(
			base=tmp_path / 'base', models=tmp_path / 'shared', temp=tmp_path / 'fast', user=tmp_path / 'me'
		)

		assert settings.models_folder == tmp_path / 'shared'
		assert settings.temp_folder == tmp_path / 'fast'
		assert settings.user_folder == tmp_path / 'me'
		assert settings.output_folder == tmp_path / 'base' / 'output'

	def test_making_settings_makes_no_folders(self, tmp_path: Path) -> None:
		"""Settings only say where things would lie."""
		assert Settings(base=tmp_path / 'new').base == tmp_path / 'new'
		assert not (tmp_path / 'new').exists()


class TestBase:
	def test_the_environment_names_it(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
		"""`LUMENGRAPH_HOME` is used where no flag says otherwise."""
		monkeypatch.setenv('LUMENGRAPH_HOME', str(tmp_path))

		assert Settings().base == tmp_path
		assert Settings(base=tmp_path / 'flag').base == tmp_path / 'flag'

	def test_it_is_made_absolute(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
		"""A relative home is seen from where the program starts, `~` is the user's."""
		monkeypatch.chdir(tmp_path)
		monkeypatch.setenv('LUMENGRAPH_HOME', 'data')
		assert Settings().base == tmp_path / 'data'

		monkeypatch.setenv('HOME', str(tmp_path / 'somebody'))
		monkeypatch.setenv('LUMENGRAPH_HOME', '~/data')
		assert Settings().base == tmp_path / 'somebody' / 'data'

	@pytest.mark.parametrize('value', [None, ''])
	def test_otherwise_it_is_the_checkout(self, monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
		"""The folder that the program runs from."""
		if value is None:
			monkeypatch.delenv('LUMENGRAPH_HOME', raising=False)
		else:
			monkeypatch.setenv('LUMENGRAPH_HOME', value)

		assert Settings().base == PROJECT


class TestValues:
	def test_they_survive_json(self, tmp_path: Path) -> None:
		"""The worker gets its settings as JSON."""
		settings = Settings(base=tmp_path, models=tmp_path / 'm', cache_bytes=5, model_bytes=7, metadata=False)

		assert Settings.model_validate_json(settings.model_dump_json()) == settings

	@pytest.mark.parametrize(
		('name', 'value'),
		[('workers', 0), ('node_seconds', 0), ('grace_seconds', -1), ('recycle_jobs', -1), ('heartbeat_seconds', -0.5)],
	)
	def test_an_impossible_one_is_refused(self, name: str, value: float) -> None:
		"""No server without workers, no time that runs backwards."""
		with pytest.raises(ValidationError, match=name):
			Settings.model_validate({name: value})

	def test_an_unknown_one_is_refused(self) -> None:
		"""A misspelt setting is an error."""
		with pytest.raises(ValidationError, match='ouptut'):
			Settings.model_validate({'ouptut': '/tmp'})
