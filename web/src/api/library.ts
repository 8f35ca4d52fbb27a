/** Workflows on the server by name: opening, saving, what they were before, and drafts of what is not saved. */

import { count, object, text } from '../fields';
import { isList, isObject, type Json, type JsonObject } from '../json';
import { body, expectOk, getJson, json, request, ServerError, url } from './http';
import { t } from '../i18n/i18n';

export interface Stored {
	readonly document: JsonObject;
	/** Names what the server has, so that no later change is written over. */
	readonly etag: string | null;
}

/** What must be so of the workflow on the server for it to be replaced; null: nothing. */
export type Condition = { readonly match: string } | 'new' | null;

export interface VersionEntry {
	readonly id: string;
	/** Milliseconds since the epoch. */
	readonly saved: number;
	readonly title: string;
	readonly nodes: number;
}

export interface DraftEntry {
	readonly id: string;
	readonly title: string;
	readonly workflow: string | null;
	readonly etag: string | null;
	readonly client: string;
	/** Milliseconds since the epoch. */
	readonly saved: number;
	/** Its editor is connected now. */
	readonly open: boolean;
}

export async function fetchStored(name: string): Promise<Stored> {
	const response = await expectOk(workflowPath(name), {});
	return { document: object(await body(response)), etag: response.headers.get('ETag') };
}

/** What is there now if it is another than this; null if it is not there; undefined if nothing has changed. */
export async function fetchIfChanged(name: string, etag: string): Promise<Stored | null | undefined> {
	const response = await request(workflowPath(name), { headers: { 'If-None-Match': etag }, cache: 'no-store' });
	if (response.status === 304) {
		return undefined;
	}
	if (response.status === 404) {
		return null;
	}
	if (!response.ok) {
		throw new ServerError(t('server.status', { status: response.status, path: workflowPath(name) }), response.status);
	}
	const now = response.headers.get('ETag');
	return now === etag ? undefined : { document: object(await body(response)), etag: now };
}

/** The ETag that it has from now on. A ServerError of status 412 says that the condition does not hold. */
export async function storeWorkflow(name: string, document: JsonObject, condition: Condition): Promise<string | null> {
	const headers: { [name: string]: string } = {};
	if (condition === 'new') {
		headers['If-None-Match'] = '*';
	} else if (condition !== null) {
		headers['If-Match'] = condition.match;
	}
	const response = await expectOk(workflowPath(name), json(document, 'PUT', headers));
	return response.headers.get('ETag');
}

export async function fetchVersions(name: string): Promise<readonly VersionEntry[]> {
	return entries(await getJson(`${workflowPath(name)}/versions`), 'versions').map((entry) => ({
		id: text(entry.id),
		saved: count(entry.saved) * 1000,
		title: text(entry.title),
		nodes: count(entry.nodes),
	}));
}

export async function fetchVersion(name: string, id: string): Promise<JsonObject> {
	return object(await getJson(`${workflowPath(name)}/versions/${encodeURIComponent(id)}`));
}

export async function fetchDrafts(): Promise<readonly DraftEntry[]> {
	return entries(await getJson('v1/drafts'), 'drafts').map((entry) => ({
		id: text(entry.id),
		title: text(entry.title),
		workflow: text(entry.workflow) || null,
		etag: text(entry.etag) || null,
		client: text(entry.client),
		saved: count(entry.saved) * 1000,
		open: entry.open === true,
	}));
}

export async function fetchDraft(id: string): Promise<JsonObject> {
	return object(object(await getJson(draftPath(id))).document ?? null);
}

export interface DraftToKeep {
	readonly id: string;
	readonly document: JsonObject;
	readonly workflow: string | null;
	readonly etag: string | null;
	readonly client: string;
}

/** With `last`, the page goes away and the request outlives it. */
export async function keepDraft({ id, ...draft }: DraftToKeep, last = false): Promise<void> {
	await expectOk(draftPath(id), { ...json({ ...draft }, 'PUT'), keepalive: last });
}

export async function dropDraft(id: string): Promise<void> {
	const response = await request(draftPath(id), { method: 'DELETE', keepalive: true });
	if (!response.ok && response.status !== 404) {
		throw new ServerError(t('server.status', { status: response.status, path: draftPath(id) }), response.status);
	}
}

export function workflowPictureUrl(name: string, size: number): string {
	return url(`${workflowPath(name)}/picture?size=${size}`);
}

function workflowPath(name: string): string {
	return `v1/workflows/${encodeURIComponent(name)}`;
}

function draftPath(id: string): string {
	return `v1/drafts/${encodeURIComponent(id)}`;
}

function entries(answer: Json, key: string): readonly JsonObject[] {
	const list = object(answer)[key];
	return isList(list) ? list.filter(isObject) : [];
}
