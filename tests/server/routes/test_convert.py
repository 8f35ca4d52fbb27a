"""/v1/convert: a workflow in another form."""

from __future__ import annotations

from typing import Any

from tests.server.client import Api, call, saving, shade

EDITOR: dict[str, Any] = {
	'nodes': [
		{'id': 1, 'type': 'Shade', 'pos': [10, 20], 'widgets_values_named': {'value': 3, 'seed': 0}},
		{'id': 2, 'type': 'Save', 'pos': [400, 20], 'inputs': [{'name': 'paper', 'type': 'PAPER', 'link': 7}]},
	],
	'links': [[7, 1, 0, 2, 0, 'PAPER']],
	'version': 0.4,
}


async def converted(api: Api, document: object, to: str) -> dict[str, Any]:
	"""What the server makes of a workflow."""
	response = await api.post(f'/v1/convert?to={to}', document)

	assert response.status == 200, await response.text()
	body: dict[str, Any] = await response.json()
	return body


class TestConvert:
	"""Every form into every other."""

	async def test_the_editor_form_becomes_ours(self, api: Api) -> None:
		"""Values and outputs have names, the layout is kept, and so is the document itself."""
		made = (await converted(api, EDITOR, 'native'))['workflow']

		assert made['nodes']['2']['inputs']['paper'] == {'node': '1', 'output': 'PAPER'}
		assert made['layout']['nodes']['1'] == {'x': 10, 'y': 20}
		assert (await converted(api, made, 'editor'))['workflow'] == EDITOR

	async def test_to_the_api_form(self, api: Api) -> None:
		"""What is written in the API form is the same prompt."""
		assert (await converted(api, EDITOR, 'api'))['workflow']['2'] == call('Save', prefix='test', paper=['1', 0])

		prompt = saving()

		assert (await converted(api, prompt, 'api'))['workflow'] == prompt

	async def test_unknown_kinds_are_told(self, api: Api) -> None:
		"""With their nodes, and the pack that has them."""
		nodes = [{'id': 5, 'type': 'Elsewhere', 'properties': {'aux_id': 'somebody/nodes'}}]
		found = await converted(api, {'nodes': nodes, 'links': []}, 'native')

		assert found['missing'] == [{'kind': 'Elsewhere', 'nodes': ['5'], 'pack': 'somebody/nodes'}]
		assert found['workflow']['nodes']['5']['kind'] == 'Elsewhere'

	async def test_bad_requests(self, api: Api) -> None:
		"""An unknown form is refused, and so is what is no workflow."""
		assert (await api.post('/v1/convert?to=paper', {'1': shade()})).status == 400
		assert (await api.post('/v1/convert', {'a': 1})).status == 400


class TestEditorFormElsewhere:
	"""Where workflows are taken, the editor's form is taken too."""

	async def test_check(self, api: Api) -> None:
		"""The check reads it, and tells of unknown kinds which pack has them."""
		nodes = [*EDITOR['nodes'], {'id': 3, 'type': 'Elsewhere', 'properties': {'cnr_id': 'a-pack'}}]
		found = await (await api.post('/v1/check', {**EDITOR, 'nodes': nodes})).json()

		assert [problem['code'] for problem in found['problems']] == ['missing_node_type']
		assert found['missing'][0]['pack'] == 'a-pack'

	async def test_jobs(self, api: Api) -> None:
		"""It can be run as it is, with inputs set."""
		response = await api.post('/v1/jobs', {'workflow': EDITOR, 'inputs': {'1.value': 5}})

		assert response.status == 201
		job = await response.json()
		assert job['prompt']['1']['inputs']['value'] == 5
		# What is written into pictures opens in ComfyUI's editor, with the value that was set.
		drawn = job['extra']['extra_pnginfo']['workflow']
		assert [node['pos'] for node in drawn['nodes']] == [[10, 20], [400, 20]]
		assert drawn['nodes'][0]['widgets_values_named']['value'] == 5

	async def test_refusals_name_the_pack(self, api: Api) -> None:
		"""Who lacks a pack is told which one."""
		node = {'id': 5, 'type': 'Elsewhere', 'properties': {'cnr_id': 'a-pack'}}
		response = await api.post('/v1/jobs', {'workflow': {'nodes': [node], 'links': []}})

		assert response.status == 400
		assert "the pack 'a-pack' has it" in await response.text()
