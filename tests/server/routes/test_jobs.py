"""/v1/jobs: submit, list, look at, move, cancel, run again, forget."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import select

from server import submitting
from server.checking import judge
from server.keys import STORE
from server.store.tables import JobRow
from tests.server.client import Api, call, eventually, saving, shade, slow

NATIVE = {
	'lumengraph': 2,
	'title': 'A shade',
	'inputs': {'shade': {'node': 'a', 'input': 'value'}},
	'nodes': {
		'a': {'kind': 'Shade', 'inputs': {'value': 9, 'seed': 77}},
		'b': {'kind': 'Save', 'inputs': {'paper': {'node': 'a', 'output': 0}}},
	},
}


async def submit(api: Api, workflow: object, status: int = 201, **fields: object) -> dict[str, Any]:
	"""POST /v1/jobs; gives the body."""
	response = await api.post('/v1/jobs', {'workflow': workflow, **fields})
	body: dict[str, Any] = await response.json()

	assert response.status == status, body
	return body


async def over(api: Api, job: str) -> dict[str, Any]:
	"""The job once it is over."""
	found: dict[str, Any] = {}

	async def is_over() -> bool:
		found.update(await api.json(f'/v1/jobs/{job}'))
		return found['state'] not in ('queued', 'running')

	await eventually(is_over, f'job {job} to end')
	return found


async def steps(api: Api, job: str) -> dict[str, dict[str, Any]]:
	"""Node → step."""
	body = await api.json(f'/v1/jobs/{job}/steps')

	assert body['job'] == job
	return {step['node']: step for step in body['steps']}


@pytest_asyncio.fixture(loop_scope='session')
async def paused(api: Api) -> AsyncIterator[Api]:
	"""The server with a queue in which nothing begins."""
	await api.post('/v1/queue/pause', {})
	yield api
	await api.post('/v1/queue/clear', {})
	await api.post('/v1/queue/resume', {})


class TestSubmit:
	async def test_a_prompt_runs_and_shows_its_outputs(self, api: Api) -> None:
		"""201 with where to find it; once over, what its nodes showed."""
		response = await api.post('/v1/jobs', {'workflow': saving(), 'client': 'me'})
		body = await response.json()
		done = await over(api, body['id'])

		assert response.status == 201
		assert response.headers['Location'] == f'/v1/jobs/{body["id"]}'
		assert body['state'] in ('queued', 'running', 'succeeded')  # It is answered once it is on disk.
		assert (done['state'], done['client'], done['attempts'], done['failure']) == ('succeeded', 'me', 1, None)
		assert done['outputs']['2']['images'][0]['type'] == 'output'
		assert done['created'] <= done['started'] <= done['finished']

	async def test_a_native_workflow_with_inputs(self, api: Api) -> None:
		"""Its named inputs are set, and any other by node and name."""
		body = await submit(api, NATIVE, inputs={'shade': 33, 'a.seed': 78})
		done = await over(api, body['id'])

		assert done['state'] == 'succeeded'
		assert done['prompt']['a']['inputs'] == {'value': 33, 'seed': 78}

	async def test_only_the_targets_run(self, api: Api) -> None:
		"""And what they need."""
		graph = {**saving(), '3': call('Show', paper=['1', 0])}
		done = await over(api, (await submit(api, graph, targets=['3']))['id'])

		assert done['targets'] == ['3']
		assert done['outputs'] == {}

	async def test_every_problem_is_told_and_nothing_queued(self, api: Api) -> None:
		"""Other than in the dialect, where good sinks run all the same."""
		graph = {**saving(), '3': call('Show', paper=['9', 0]), '4': call('Shade', value=999, seed=0)}
		graph['5'] = call('Show', paper=['4', 0])
		body = await submit(api, graph, 400)

		assert body['error']['code'] == 'invalid_graph'
		assert {detail['node'] for detail in body['error']['details']} == {'3', '4'}
		assert (await api.json('/v1/queue'))['queued'] == []

	@pytest.mark.parametrize(
		('body', 'words'),
		[
			({}, 'workflow'),
			({'workflow': {'nodes': []}}, 'an empty graph'),
			({'workflow': {'x': 1}}, 'no workflow'),
			({'workflow': NATIVE, 'inputs': {'nothing': 1}}, "no workflow input 'nothing'"),
			({'workflow': NATIVE, 'webhook': 'ftp://x'}, 'webhook'),
			({'workflow': NATIVE, 'id': 'a/b'}, 'id'),
			({'workflow': NATIVE, 'number': 'first'}, 'number'),
		],
	)
	async def test_what_cannot_be_read(self, api: Api, body: dict[str, object], words: str) -> None:
		"""400 with a sentence that says what is wrong."""
		response = await api.post('/v1/jobs', body)

		assert response.status == 400
		assert words in (await response.json())['error']['message']

	async def test_inputs_that_are_not_there(self, api: Api) -> None:
		"""Nothing is queued; each is told with what may have been meant."""
		body = {'workflow': saving(), 'inputs': {'2.papre': 1, '2.other': 2}}
		response = await api.post('/v1/jobs', body)
		error = (await response.json())['error']

		assert (response.status, error['code']) == (400, 'wrong_inputs')
		assert [detail['place'] for detail in error['details']] == ['inputs.2.papre', 'inputs.2.other']
		assert "did you mean '2.paper'?" in error['message']
		assert (await api.json('/v1/queue'))['queued'] == []

	async def test_a_taken_id(self, api: Api) -> None:
		"""409, also if its job is long over."""
		first = await submit(api, saving(), id='mine-1')
		await over(api, 'mine-1')
		body = await submit(api, saving(), 409, id='mine-1')

		assert first['id'] == 'mine-1'
		assert body['error']['code'] == 'id_taken'

	async def test_the_first_may_be_over_while_the_second_is_checked(
		self, api: Api, monkeypatch: pytest.MonkeyPatch
	) -> None:
		"""It is answered with the first job all the same."""
		meanwhile: list[str] = []

		async def judge_long(*given: Any, **named: Any) -> Any:
			judged = await judge(*given, **named)
			if not meanwhile:
				meanwhile.append('')
				meanwhile.append((await over(api, (await submit(api, saving(), key='raced'))['id']))['id'])
			return judged

		monkeypatch.setattr(submitting, 'judge', judge_long)
		second = await submit(api, saving(), 200, key='raced')

		assert (second['id'], second['state']) == (meanwhile[1], 'succeeded')

	async def test_the_same_key_is_the_same_job(self, api: Api) -> None:
		"""While it waits or runs, and when it is over; another workflow changes nothing about that."""
		first = await submit(api, slow(), key='once')
		again = await submit(api, saving(), 200, key='once')
		await api.post(f'/v1/jobs/{first["id"]}/cancel', {})
		await over(api, first['id'])
		later = await submit(api, saving(), 200, key='once')

		assert first['id'] == again['id'] == later['id']
		assert later['state'] == 'cancelled'

	async def test_what_it_ran_with_is_kept(self, api: Api) -> None:
		"""Versions and device, once it has begun, as its picture carries them too; before, there is nothing to tell."""
		accepted = await submit(api, saving())
		detail = await over(api, accepted['id'])
		file = detail['outputs']['2']['images'][0]
		picture = await (await api.get('/view', **file)).read()

		assert detail['record']['device'] == 'cpu'
		assert detail['record']['libraries']['pillow']
		assert json.dumps(detail['record']).encode() in picture


class TestList:
	async def test_pages(self, api: Api) -> None:
		"""Newest first, page after page, each job once; ascending, the other way round."""
		made = [(await submit(api, saving(), client='pages'))['id'] for _ in range(5)]
		found: list[str] = []
		cursor: str | None = None
		while True:
			query: dict[str, str | int] = {'client': 'pages', 'limit': 2, **({'cursor': cursor} if cursor else {})}
			page = await api.json('/v1/jobs', **query)
			found += [job['id'] for job in page['items']]
			cursor = page['next']
			if cursor is None:
				break
		oldest = await api.json('/v1/jobs', client='pages', ascending='true', limit=1)

		assert found == made[::-1]
		assert page['total'] == 5
		assert [job['id'] for job in oldest['items']] == made[:1]

	async def test_titles(self, api: Api) -> None:
		"""Each has that of its workflow, alone and in the list; one that came without has none."""
		named = await submit(api, {**NATIVE, 'title': 'My shade'}, client='titles')
		bare = await submit(api, saving(), client='titles')
		page = await api.json('/v1/jobs', client='titles')

		assert (named['title'], bare['title']) == ('My shade', '')
		assert {job['id']: job['title'] for job in page['items']} == {named['id']: 'My shade', bare['id']: ''}

	async def test_states(self, paused: Api) -> None:
		"""Only those that are asked for, several at once too."""
		waiting = (await submit(paused, saving(), client='states'))['id']
		dropped = (await submit(paused, saving(), client='states'))['id']
		await paused.post(f'/v1/jobs/{dropped}/cancel', {})

		async def ids(states: str) -> list[str]:
			response = await paused.web.get(f'/v1/jobs?client=states&{states}')
			return [job['id'] for job in (await response.json())['items']]

		assert await ids('state=queued') == [waiting]
		assert await ids('state=cancelled') == [dropped]
		assert await ids('state=queued&state=cancelled') == [dropped, waiting]

	@pytest.mark.parametrize('query', ['state=odd', 'limit=0', 'limit=x', 'cursor=%21', 'cursor=WzFd', 'other=1'])
	async def test_bad_queries(self, api: Api, query: str) -> None:
		"""400 that names the place."""
		response = await api.web.get(f'/v1/jobs?{query}')

		assert response.status == 400
		assert query.partition('=')[0] in (await response.json())['error']['message']


class TestMove:
	async def test_before_another(self, paused: Api) -> None:
		"""The queue tells the new order, and the job its place."""
		first, second, third = [(await submit(paused, saving()))['id'] for _ in range(3)]
		response = await paused.web.patch(f'/v1/jobs/{third}', json={'before': second})

		assert (await response.json())['position'] == 1
		assert (await paused.json('/v1/queue'))['queued'] == [first, third, second]

	async def test_another_number(self, paused: Api) -> None:
		"""Lower numbers run first."""
		first, second = [(await submit(paused, saving()))['id'] for _ in range(2)]
		response = await paused.web.patch(f'/v1/jobs/{second}', json={'number': -5})

		assert response.status == 200
		assert (await paused.json('/v1/queue'))['queued'] == [second, first]

	async def test_front(self, paused: Api) -> None:
		"""Before all that wait."""
		await submit(paused, saving())
		first = (await submit(paused, saving()))['id']
		front = (await submit(paused, saving(), front=True))['id']

		assert (await paused.json('/v1/queue'))['queued'][0] == front != first

	async def test_what_cannot_be_moved(self, api: Api) -> None:
		"""One that runs, one that is not there, and neither place nor number."""
		running = (await submit(api, slow()))['id']
		await api.running(running)

		assert (await api.web.patch(f'/v1/jobs/{running}', json={'number': 1})).status == 409
		assert (await api.web.patch('/v1/jobs/nobody', json={'number': 1})).status == 404
		assert (await api.web.patch(f'/v1/jobs/{running}', json={})).status == 400


class TestCancel:
	async def test_a_waiting_and_a_running_one(self, api: Api) -> None:
		"""The one is dropped, the other stopped; nothing else is touched."""
		running = (await submit(api, slow()))['id']
		waiting = (await submit(api, slow()))['id']
		other = (await submit(api, saving()))['id']
		await api.running(running)
		dropped = await (await api.post(f'/v1/jobs/{waiting}/cancel', {})).json()
		stopped = await (await api.post(f'/v1/jobs/{running}/cancel', {})).json()

		assert (dropped, stopped) == ({'cancelled': True}, {'cancelled': True})
		assert (await over(api, running))['state'] == 'cancelled'
		assert (await over(api, waiting))['state'] == 'cancelled'
		assert (await over(api, other))['state'] == 'succeeded'

	async def test_one_that_is_over(self, api: Api) -> None:
		"""Stays as it is; again and again."""
		job = (await submit(api, saving()))['id']
		await over(api, job)

		for _ in range(2):
			assert await (await api.post(f'/v1/jobs/{job}/cancel', {})).json() == {'cancelled': False}
		assert (await api.post('/v1/jobs/nobody/cancel', {})).status == 404


class TestRetry:
	async def test_a_failed_job_as_a_new_one(self, api: Api) -> None:
		"""With the same graph; what had finished comes from the cache."""
		graph = {'1': shade(), '2': call('Fail', paper=['1', 0], text='no'), '3': call('Show', paper=['2', 0])}
		first = await over(api, (await submit(api, graph, key='k'))['id'])
		response = await api.post(f'/v1/jobs/{first["id"]}/retry', {})
		again = await over(api, (await response.json())['id'])

		assert (first['state'], first['failure']['node']) == ('failed', '2')
		assert response.status == 201
		assert again['id'] != first['id']
		assert again['prompt'] == first['prompt']
		assert [(step['node'], step['ran']) for step in (await steps(api, again['id'])).values()] == [
			('1', False),
			('2', True),
		]

	async def test_one_that_is_not_over(self, paused: Api) -> None:
		"""409."""
		job = (await submit(paused, saving()))['id']

		assert (await paused.post(f'/v1/jobs/{job}/retry', {})).status == 409
		assert (await paused.post('/v1/jobs/nobody/retry', {})).status == 404


class TestForget:
	async def test_one_that_is_over(self, api: Api) -> None:
		"""It is gone from everywhere; its picture stays."""
		job = await over(api, (await submit(api, saving()))['id'])
		image = job['outputs']['2']['images'][0]
		response = await api.web.delete(f'/v1/jobs/{job["id"]}')

		assert response.status == 204
		assert (await api.get(f'/v1/jobs/{job["id"]}')).status == 404
		assert await api.json(f'/history/{job["id"]}') == {}
		assert (await api.get('/view', **image)).status == 200

	async def test_one_that_waits(self, paused: Api) -> None:
		"""409: it must be cancelled first."""
		job = (await submit(paused, saving()))['id']

		assert (await paused.web.delete(f'/v1/jobs/{job}')).status == 409
		assert (await paused.web.delete('/v1/jobs/nobody')).status == 404


class TestSteps:
	async def test_what_ran_and_what_was_cached(self, api: Api) -> None:
		"""At first all nodes run for the first time; then only what changed, and the rest is said to be cached."""
		graph = saving()
		first = await api.submit(graph)
		await api.ended(first)
		changed = {**graph, '2': call('Save', paper=['1', 0], prefix='other')}
		second = await api.submit(changed)
		await api.ended(second)
		before, after = await steps(api, first), await steps(api, second)

		assert [(node, step['kind'], step['ran']) for node, step in before.items()] == [
			('1', 'Shade', True),
			('2', 'Save', True),
		]
		assert before['1']['why']['code'] == 'first_time' or before['1']['why']['code'] == 'input_changed'
		assert (after['1']['ran'], after['1']['why']['code']) == (False, 'cached')
		assert (after['2']['ran'], after['2']['why']['code']) == (True, 'input_changed')
		assert 'prefix' in after['2']['why']['text']
		assert after['2']['seconds'] > 0

	async def test_of_a_running_job(self, api: Api) -> None:
		"""As far as it has come."""
		graph = {'1': shade(), '2': call('Slow', seconds=30.0, after=['1', 0])}
		job = await api.submit(graph)

		async def has_come_to_the_second() -> bool:
			return list(await steps(api, job)) == ['1']

		await eventually(has_come_to_the_second, 'the first node to end')

	async def test_of_a_failed_one(self, api: Api) -> None:
		"""The node that failed, and what it raised."""
		graph = {'1': shade(), '2': call('Fail', paper=['1', 0], text='no'), '3': call('Show', paper=['2', 0])}
		job = await api.submit(graph)
		await api.ended(job)
		found = await steps(api, job)

		assert list(found) == ['1', '2']
		assert (found['2']['ran'], found['2']['error']) == (True, 'no')

	async def test_unknown_job(self, api: Api) -> None:
		"""404 with a sentence."""
		response = await api.get('/v1/jobs/nobody/steps')

		assert response.status == 404
		assert (await response.json())['error']['code'] == 'job_not_found'


@pytest.mark.parametrize(
	('path', 'body'),
	[
		('/v1/jobs/{}/cancel', {}),
		('/v1/queue/clear', {}),
		('/queue', {'delete': ['{}']}),
		('/queue', {'clear': True}),
		('/api/jobs/{}/cancel', {}),
		('/api/jobs/cancel', {'job_ids': ['{}']}),
	],
)
async def test_a_cancelled_job_stays_so_whatever_happens(api: Api, path: str, body: dict[str, Any]) -> None:
	"""Once it is answered, it is on disk: a server that is killed then does not run the job at its next start."""
	store = api.web.app[STORE]
	await api.post('/v1/queue/pause', {})
	job = (await submit(api, saving()))['id']
	given = json.loads(json.dumps(body).replace('{}', job)) if body else {}
	answer = await api.post(path.replace('{}', job), given)
	with store.database.connect() as connection:
		state = connection.execute(select(JobRow.state).where(JobRow.id == job)).scalar()
	await api.post('/v1/queue/resume', {})

	assert answer.status == 200
	assert state == 'cancelled'


class TestPreviews:
	@pytest.mark.parametrize(
		('said', 'method'), [(True, 'auto'), (False, 'none'), ('taesd', 'taesd'), ('latent2rgb', 'latent2rgb')]
	)
	async def test_a_job_says_how_it_is_shown(self, paused: Api, said: bool | str, method: str) -> None:
		"""By a method, or yes or no; the job keeps it until it is run."""
		id = (await submit(paused, saving(), previews=said))['id']
		store = paused.web.app[STORE]
		await store.writer.settled()
		job = await store.archive.job(id)

		assert job.submission.previews == method

	async def test_other_methods_are_refused(self, api: Api) -> None:
		"""With the names that there are."""
		body = await submit(api, saving(), 400, previews='rgb')

		assert 'latent2rgb' in str(body)
