/** Model files that the server fetches, from hosts that whoever runs it has named. */

import { isList, isObject, type Json } from '../json';
import { body, expectOk, getJson, json } from './http';

export interface Download {
	readonly id: string;
	readonly state: 'running' | 'done' | 'failed' | 'cancelled';
	/** 0 to 1, null while it is not known. */
	readonly fraction: number | null;
	readonly error: string;
}

/** Which hosts may be fetched from; their subdomains too. */
export async function fetchModelHosts(): Promise<readonly string[]> {
	const answer = await getJson('v1/models/downloads');
	return isObject(answer) && isList(answer.hosts) ? answer.hosts.filter((host) => typeof host === 'string') : [];
}

export async function startDownload(model: { readonly url: string; readonly folder: string; readonly name: string }): Promise<Download> {
	const { url, folder, name } = model;
	return read(await body(await expectOk('v1/models/downloads', json({ url, folder, name }))));
}

export async function fetchDownload(id: string): Promise<Download> {
	return read(await getJson(`v1/models/downloads/${encodeURIComponent(id)}`));
}

export async function cancelDownload(id: string): Promise<Download> {
	return read(await body(await expectOk(`v1/models/downloads/${encodeURIComponent(id)}/cancel`, json({}))));
}

export function isFrom(address: string, hosts: readonly string[]): boolean {
	const host = URL.canParse(address) ? new URL(address).hostname : '';
	return hosts.some((known) => host === known || host.endsWith(`.${known}`));
}

function read(answer: Json): Download {
	const { id, state, received, total, error } = isObject(answer) ? answer : {};
	const known = state === 'running' || state === 'done' || state === 'cancelled' ? state : 'failed';
	return {
		id: typeof id === 'string' ? id : '',
		state: known,
		fraction: typeof total === 'number' && total > 0 && typeof received === 'number' ? received / total : null,
		error: typeof error === 'string' ? error : '',
	};
}
