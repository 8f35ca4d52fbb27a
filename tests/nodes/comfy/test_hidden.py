from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from engine.cancel import CancelToken
from engine.context import Context, JobInfo
from engine.declaration import Hidden
from engine.models import Loaders
from engine.modelstore import ModelStore
from engine.settings import Settings
from engine.storage import Storage
from nodes.comfy.hidden import hidden_values, probe_values

KEYS: dict[str, Hidden] = {'key': 'api_key_comfy_org', 'token': 'auth_token_comfy_org'}


def context_of(folder: Path, job: JobInfo) -> Context:
	"""What a node of a job is handed."""
	storage = Storage.of(Settings(base=folder))
	models = ModelStore(Loaders(), storage.catalogue.find, budget=1)
	return Context(job, 'n', models=models, storage=storage, cancel=CancelToken(), publish=lambda event: None)


class TestSecrets:
	def test_those_that_came_with_the_job(self, tmp_path: Path) -> None:
		"""By the names under which the node asks for them; one that did not come is None."""
		job = JobInfo('j', secrets={'api_key_comfy_org': 'sk-1', 'other': 'sk-2'})

		assert hidden_values(KEYS, context_of(tmp_path, job)) == {'key': 'sk-1', 'token': None}

	def test_not_before_it_runs(self) -> None:
		"""What a node's fingerprint is made of knows no secrets."""
		assert probe_values(KEYS, 'n') == {'key': None, 'token': None}

	def test_they_are_not_shown(self) -> None:
		"""With the job that they belong to."""
		assert 'sk-1' not in repr(JobInfo('j', secrets={'api_key_comfy_org': 'sk-1'}))


class TestWorkflows:
	"""What a node is given to write into the files that it saves."""

	ASKED: ClassVar[dict[str, Hidden]] = {'info': 'extra_pnginfo', 'graph': 'prompt'}

	def test_none_where_people_want_none(self, tmp_path: Path) -> None:
		"""Nodes that save nothing still see the graph that they are in."""
		job = JobInfo('j', prompt_json='{"1": {}}', extra_pnginfo={'workflow': {}})
		context = context_of(tmp_path, job)
		told: dict[str, object] = {'info': {'workflow': {}}, 'graph': {'1': {}}}

		assert hidden_values(self.ASKED, context, saves=True) == told
		context.files.metadata = False
		assert hidden_values(self.ASKED, context, saves=True) == {'info': None, 'graph': None}
		assert hidden_values(self.ASKED, context) == told
