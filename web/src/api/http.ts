/** Requests to the server. Failures are ServerErrors whose message can be shown as it is. */

import { text } from '../fields';
import { isList, isObject, parseJson, writeJson, type Json, type JsonObject } from '../json';
import type { Kinds } from '../graph/types';
import {
	readErrorMessage,
	readFindings,
	readHistory,
	readModel,
	readMissingModels,
	readMissingPacks,
	readProblems,
	readQueueItem,
	readRefusal,
} from './answers';
import { readKinds } from './declarations';
import { readPreflight, type Preflight } from './preflight';
import type {
	Finding,
	HistoryEntry,
	MissingModel,
	MissingPack,
	ModelFile,
	Picture,
	QueueItem,
	QueueState,
	Submitted,
	WorkflowEntry,
} from './types';
import { t } from '../i18n/i18n';

/** Where the peers' editors keep masked pictures too. */
const MASK_FOLDER = 'clipspace';

export class ServerError extends Error {
	constructor(
		message: string,
		/** 0 when there was no answer at all. */
		readonly status: number,
	) {
		super(message);
	}
}

export async function fetchKinds(): Promise<Kinds> {
	return readKinds(await getJson('object_info'));
}

export async function fetchWorkflows(): Promise<readonly WorkflowEntry[]> {
	const answer = await getJson('v1/workflows');
	const entries = isObject(answer) && isList(answer.workflows) ? answer.workflows : [];
	return entries.flatMap((entry) =>
		isObject(entry) && typeof entry.name === 'string'
			? [{ name: entry.name, title: text(entry.title) || entry.name, description: text(entry.description) }]
			: [],
	);
}

/** The native document of a workflow in any form, and what had to be left out or guessed. */
export async function convertWorkflow(
	workflow: JsonObject,
): Promise<{ readonly document: JsonObject; readonly warnings: readonly string[] }> {
	const answer = await body(await expectOk('v1/convert', json(workflow)));
	if (!isObject(answer) || !isObject(answer.workflow)) {
		throw new ServerError(t('server.noWorkflow'), 200);
	}
	const warnings = isList(answer.warnings) ? answer.warnings.filter((one) => typeof one === 'string') : [];
	return { document: answer.workflow, warnings };
}

export interface Checked {
	readonly findings: readonly Finding[];
	/** Packs that have kinds which are not here. */
	readonly packs: readonly MissingPack[];
	readonly models: readonly MissingModel[];
	readonly preflight: Preflight;
}

/** What is wrong with a workflow, what a run of it would take, and what it asks for that is not here; nothing runs. */
export async function checkWorkflow(document: JsonObject): Promise<Checked> {
	const answer = await body(await expectOk('v1/check', json(document)));
	return {
		findings: readFindings(answer),
		packs: readMissingPacks(answer),
		models: readMissingModels(answer),
		preflight: readPreflight(answer),
	};
}

export interface JobOptions {
	readonly id: string;
	readonly client: string;
	/** Before all that wait now. */
	readonly front?: boolean;
	/** Only these nodes, and what they need. */
	readonly targets?: readonly string[];
}

/** A refused job is an answer, not an exception. */
export async function submitJob(workflow: JsonObject, options: JobOptions): Promise<Submitted> {
	const { id, client, front = false, targets } = options;
	const response = await request(
		'v1/jobs',
		json({ workflow, id, client, front, previews: true, ...(targets === undefined ? {} : { targets }) }),
	);
	const answer = await (response.ok ? body(response) : errorBody(response));
	if (!isObject(answer) || (!response.ok && !isObject(answer.error))) {
		throw refused('v1/jobs', response.status, answer);
	}
	const { error } = answer;
	return {
		promptId: response.ok && typeof answer.id === 'string' ? answer.id : null,
		refusal: error === undefined ? null : readRefusal(error),
		problems: readProblems(error),
	};
}

export async function interrupt(promptId: string): Promise<void> {
	await expectOk('interrupt', json({ prompt_id: promptId }));
}

export async function removeFromQueue(promptIds: readonly string[]): Promise<void> {
	await expectOk('queue', json({ delete: promptIds }));
}

export async function fetchQueue(): Promise<QueueState> {
	const answer = await getJson('queue');
	const items = (value: Json | undefined): QueueItem[] => (isList(value) ? value.flatMap(readQueueItem) : []);
	return isObject(answer)
		? { running: items(answer.queue_running), pending: items(answer.queue_pending) }
		: { running: [], pending: [] };
}

/** Oldest first. */
export async function fetchHistory(count: number): Promise<readonly HistoryEntry[]> {
	return readHistory(await getJson(`history?max_items=${count}`));
}

export async function fetchJob(promptId: string): Promise<HistoryEntry | null> {
	return readHistory(await getJson(`history/${encodeURIComponent(promptId)}`))[0] ?? null;
}

/** Where in the input folder the server keeps the file, to be used as an input value. */
export async function uploadFile(file: File): Promise<string> {
	return stored(await expectOk('upload/image', { method: 'POST', body: fileForm(file) }));
}

/** The picture that an input names, with the transparency of this one, as a new input value. */
export async function uploadMask(mask: File, original: string): Promise<string> {
	const form = fileForm(mask);
	form.append('subfolder', MASK_FOLDER);
	form.append('original_ref', writeJson({ ...placeOf(original) }));
	return `${await stored(await expectOk('upload/mask', { method: 'POST', body: form }))} [input]`;
}

function fileForm(file: File): FormData {
	const form = new FormData();
	form.append('image', file, file.name);
	form.append('type', 'input');
	return form;
}

async function stored(response: Response): Promise<string> {
	const answer = await body(response);
	if (!isObject(answer) || typeof answer.name !== 'string') {
		throw new ServerError(t('server.noPlace'), 200);
	}
	const folder = text(answer.subfolder);
	return folder === '' ? answer.name : `${folder}/${answer.name}`;
}

/** Every model file that lies on disk, a page after the other. */
export async function fetchModels(kind = ''): Promise<readonly ModelFile[]> {
	const found: ModelFile[] = [];
	let cursor: string | null = null;
	do {
		const query: URLSearchParams = new URLSearchParams({ kind, limit: '500', ...(cursor === null ? {} : { cursor }) });
		const page = await getJson(`v1/models?${query.toString()}`);
		found.push(...(isObject(page) && isList(page.items) ? page.items.flatMap(readModel) : []));
		cursor = isObject(page) ? text(page.next) || null : null;
	} while (cursor !== null);
	return found;
}

export async function fetchFile(path: string): Promise<ArrayBuffer> {
	return (await expectOk(path, {})).arrayBuffer();
}

/** `version` keeps the browser from showing an older file of the same name. */
export function pictureUrl(picture: Picture, version: string): string {
	const query = new URLSearchParams({
		filename: picture.filename,
		subfolder: picture.subfolder,
		type: picture.type,
		rand: version,
	});
	const { pathname, search } = new URL(url(`view?${query.toString()}`));
	return pathname + search;
}

/** The address of an input value such as `sub/name.png` or `name.png [output]`; `more` says what of it is wanted. */
export function inputPictureUrl(value: string, more: Readonly<Record<string, string>> = {}): string {
	const address = pictureUrl(placeOf(value), value);
	const query = new URLSearchParams(more).toString();
	return query === '' ? address : `${address}&${query}`;
}

function placeOf(value: string): Picture {
	const [, path = value, type = 'input'] = /^(.*?)(?: \[(input|output|temp)\])?$/.exec(value) ?? [];
	const cut = path.lastIndexOf('/');
	return { filename: path.slice(cut + 1), subfolder: path.slice(0, Math.max(0, cut)), type };
}

export function url(path: string): string {
	return new URL(path, document.baseURI).href;
}

export async function getJson(path: string): Promise<Json> {
	return body(await expectOk(path, {}));
}

/** A request that changes something; null where the server answers with nothing. */
export async function sendJson(method: string, path: string, value?: Json): Promise<Json> {
	const init = value === undefined ? {} : json(value);
	const response = await expectOk(path, { ...init, method });
	return response.status === 204 ? null : body(response);
}

export async function expectOk(path: string, init: RequestInit): Promise<Response> {
	const response = await request(path, init);
	if (!response.ok) {
		throw refused(path, response.status, await errorBody(response));
	}
	return response;
}

export async function request(path: string, init: RequestInit): Promise<Response> {
	try {
		return await fetch(url(path), init);
	} catch {
		throw new ServerError(t('server.away'), 0);
	}
}

export async function body(response: Response): Promise<Json> {
	try {
		return parseJson(await response.text());
	} catch {
		throw new ServerError(t('server.unreadable', { status: response.status }), response.status);
	}
}

/** Refusals need not come from our server: null when a proxy's page is all there is. */
export async function errorBody(response: Response): Promise<Json> {
	return body(response).catch(() => null);
}

export function json(value: Json, method = 'POST', headers: { readonly [name: string]: string } = {}): RequestInit {
	return { method, headers: { 'Content-Type': 'application/json', ...headers }, body: writeJson(value) };
}

export function refused(path: string, status: number, answer: Json): ServerError {
	return new ServerError(
		readErrorMessage(answer) || t('server.status', { status, path: `/${path.split('?')[0]}` }),
		status,
	);
}
