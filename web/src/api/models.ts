/** Models in memory, and the nodes that load files of models. */

import { isObject, type JsonObject } from '../json';
import { count, counts, object, objects, text, textOrNull, texts } from '../fields';
import { getJson, sendJson } from './http';

/** One set of weights in memory, or on its way there. */
export interface Resident {
	readonly id: string;
	readonly model: string;
	readonly part: string;
	readonly dtype: string;
	readonly patches: readonly string[];
	/** Bytes by place. */
	readonly places: readonly (readonly [string, number])[];
	readonly bytes: number;
	readonly leases: number;
	/** Null once it can be used. */
	readonly phase: string | null;
	readonly done: number;
	readonly total: number;
}

export interface WorkerModels {
	readonly worker: string;
	readonly device: string;
	/** For each place: its name, the bytes in use, and those that may be. */
	readonly places: readonly { readonly name: string; readonly used: number; readonly budget: number }[];
	readonly residents: readonly Resident[];
	readonly work: readonly { readonly label: string; readonly bytes: number }[];
}

/** A kind of node that loads files of a kind, and the input that takes them. */
export interface Loader {
	readonly kind: string;
	readonly input: string;
	/** How many files of that kind it takes. */
	readonly files: number;
	readonly builtIn: boolean;
	readonly deprecated: boolean;
}

const PAGE = 500;
const MOST_PAGES = 20;
const FROM = 'models:';

export async function fetchModelsInMemory(): Promise<readonly WorkerModels[]> {
	return objects(object(await getJson('v1/models/status')).workers).map((worker) => {
		const used = new Map(counts(worker.used));
		return {
			worker: text(worker.worker),
			device: text(worker.device) || text(worker.place),
			places: counts(worker.budgets).map(([name, budget]) => ({ name, budget, used: used.get(name) ?? 0 })),
			residents: objects(worker.residents).map(readResident),
			work: objects(worker.work).map((one) => ({ label: text(one.label), bytes: count(one.nbytes) })),
		};
	});
}

/** How many bytes were let go of; without an id, of all models that nobody uses. */
export async function unload(id?: string): Promise<number> {
	const path = id === undefined ? '' : `/${encodeURIComponent(id)}`;
	return count(object(await sendJson('DELETE', `v1/models/status${path}`)).freed);
}

export async function cancelLoad(id: string): Promise<void> {
	await sendJson('POST', `v1/models/loads/${encodeURIComponent(id)}/cancel`, {});
}

/** Kind of file → what loads it, the plainest first. */
export async function fetchLoaders(): Promise<ReadonlyMap<string, readonly Loader[]>> {
	return readLoaders(await fetchPages('v1/nodes'));
}

export function readLoaders(nodes: readonly JsonObject[]): ReadonlyMap<string, readonly Loader[]> {
	const loaders = new Map<string, Loader[]>();
	for (const node of nodes) {
		const inputs = objects(node.inputs).flatMap((input) => {
			const from = isObject(input.widget) ? text(input.widget.files_from) : '';
			return from.startsWith(FROM) ? [{ name: text(input.name), folder: from.slice(FROM.length) }] : [];
		});
		for (const folder of new Set(inputs.map((input) => input.folder))) {
			const fitting = inputs.filter((input) => input.folder === folder);
			loaders.set(folder, [
				...(loaders.get(folder) ?? []),
				{
					kind: text(node.kind),
					input: fitting[0]?.name ?? '',
					files: fitting.length,
					builtIn: text(node.origin) === 'nodes',
					deprecated: node.deprecated === true,
				},
			]);
		}
	}
	for (const [folder, found] of loaders) {
		loaders.set(folder, found.toSorted(plainest));
	}
	return loaders;
}

function plainest(a: Loader, b: Loader): number {
	return (
		Number(a.deprecated) - Number(b.deprecated) ||
		Number(b.builtIn) - Number(a.builtIn) ||
		a.files - b.files ||
		a.kind.length - b.kind.length ||
		a.kind.localeCompare(b.kind)
	);
}

function readResident(item: JsonObject): Resident {
	return {
		id: text(item.id),
		model: text(item.model),
		part: text(item.part),
		dtype: text(item.dtype),
		patches: texts(item.patches),
		places: counts(item.places),
		bytes: count(item.size) || count(item.nbytes),
		leases: count(item.leases),
		phase: textOrNull(item.phase),
		done: count(item.done),
		total: count(item.total),
	};
}

async function fetchPages(path: string): Promise<readonly JsonObject[]> {
	const items: JsonObject[] = [];
	let cursor = '';
	for (let page = 0; page < MOST_PAGES; page += 1) {
		const query = new URLSearchParams({ limit: String(PAGE), ...(cursor === '' ? {} : { cursor }) });
		const answer = object(await getJson(`${path}?${query.toString()}`));
		items.push(...objects(answer.items));
		cursor = text(answer.next);
		if (cursor === '') {
			break;
		}
	}
	return items;
}
