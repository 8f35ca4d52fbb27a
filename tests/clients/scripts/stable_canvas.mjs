// What a user of @stable-canvas/comfyui-client does: URL, workflow and folder come in, pictures and a report go out.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Client, HttpError, Workflow, WorkflowInterruptedError } from '@stable-canvas/comfyui-client'
import WebSocket from 'ws'

const [url, workflow, folder] = process.argv.slice(2)
const nodes = Object.entries(JSON.parse(readFileSync(workflow, 'utf8')))
const client = new Client({ api_host: new URL(url).host, WebSocket, fetch })
await client.connect()

/** The workflow, node by node, with another seed and number of steps. */
const build = (seed, steps) => {
	const made = new Workflow()
	const outputs = {}
	for (const [id, { class_type: kind, inputs }] of nodes) {
		const changed = kind === 'KSampler' ? { ...inputs, seed, steps } : inputs
		const linked = ([name, value]) => [name, Array.isArray(value) ? outputs[value[0]][value[1]] : value]
		outputs[id] = made.node(kind, Object.fromEntries(Object.entries(changed).map(linked)))
	}
	return made
}

/** Fetch the pictures of a result; gives their content types. */
const fetched = async (name, { images }) =>
	Promise.all(
		images.map(async (image, index) => {
			const response = await fetch(image.data)
			writeFileSync(join(folder, `${name}-${index}.png`), Buffer.from(await response.arrayBuffer()))
			return response.headers.get('content-type')
		}),
	)

const ticks = []
const invoked = build(1, 20).instance(client, { progress: ({ value, max }) => ticks.push([value, max]) })
await invoked.enqueue()
const types = await fetched('watched', await invoked.wait())
const polled = await build(2, 8).invoke_polling(client, { polling_ms: 50 })
types.push(...(await fetched('polled', polled)))

const long = build(3, 10000).instance(client)
await long.enqueue()
const ended = long.wait().then(
	() => false,
	(error) => error instanceof WorkflowInterruptedError,
)
const begun = new Promise((resolve) => long.once('progress', resolve))
await begun
await long.interrupt()

const refused = await build(4, 0).invoke(client).then(
	() => null,
	(error) => (error instanceof HttpError ? [error.status, error.json.error.type, Object.keys(error.json.node_errors)] : error),
)
const report = {
	ticks,
	types,
	interrupted: await ended,
	refused,
	history: (await client.getHistory()).History.length,
	queue: await client.getQueue(),
	models: await client.getSDModels(),
	samplers: await client.getSamplers(),
	schedulers: await client.getSchedulers(),
	extensions: await client.getExtensions(),
	embeddings: await client.getEmbeddings(),
	kinds: Object.keys(await client.getNodeDefs()),
}
await client.storeSetting('Tests.Palette', { colors: ['red', 1] })
await client.storeUserData('workflows/ä b.json', { kept: true }, { stringify: true })
Object.assign(report, {
	users: await client.getUserConfig(),
	setting: await client.getSetting('Tests.Palette'),
	settings: await client.getSettings(),
	unset: await client.getSetting('Tests.Unset'),
	file: await (await client.getUserData('workflows/ä b.json')).json(),
	folders: (await client.getModelFolders()).map(({ name }) => name),
	checkpoints: await client.getModels('checkpoints'),
	metadata: await client.viewMetadata('checkpoints', 'lumen-demo.safetensors'),
})
await client.free({ unload_models: true, free_memory: true })
await client.deleteItem('history', invoked.task_id)
report.left = (await client.getHistory()).History.length
client.close()
console.log(JSON.stringify(report))
