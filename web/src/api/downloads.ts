/** Model files that the server fetches, from hosts that whoever runs it has named. */

import { object, objects, text, texts } from '../fields';
import type { Json } from '../json';
import { body, expectOk, getJson, json } from './http';

export interface Download {
	readonly id: string;
	readonly folder: string;
	readonly name: string;
	readonly state: 'running' | 'done' | 'failed' | 'cancelled';
	/** 0 to 1, null while it is not known. */
	readonly fraction: number | null;
	readonly error: string;
}

export interface Downloads {
	/** Those of this run of the server, newest first. */
	readonly downloads: readonly Download[];
	/** Which hosts may be fetched from; their subdomains too. */
	readonly hosts: readonly string[];
}

export async function fetchDownloads(): Promise<Downloads> {
	const answer = object(await getJson('v1/models/downloads'));
	return { downloads: objects(answer.downloads).map(read), hosts: texts(answer.hosts) };
}

export async function startDownload(model: { readonly url: string; readonly folder: string; readonly name: string }): Promise<Download> {
	const { url, folder, name } = model;
	return read(await body(await expectOk('v1/models/downloads', json({ url, folder, name }))));
}

export async function cancelDownload(id: string): Promise<Download> {
	return read(await body(await expectOk(`v1/models/downloads/${encodeURIComponent(id)}/cancel`, json({}))));
}

export function isFrom(address: string, hosts: readonly string[]): boolean {
	const host = URL.canParse(address) ? new URL(address).hostname : '';
	return hosts.some((known) => host === known || host.endsWith(`.${known}`));
}

function read(answer: Json): Download {
	const { id, folder, name, state, received, total, error } = object(answer);
	const known = state === 'running' || state === 'done' || state === 'cancelled' ? state : 'failed';
	return {
		id: text(id),
		folder: text(folder),
		name: text(name),
		state: known,
		fraction: typeof total === 'number' && total > 0 && typeof received === 'number' ? received / total : null,
		error: text(error),
	};
}
