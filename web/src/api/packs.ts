/** Packs of custom nodes, and what they bring for the page. */

import { count, countOrNull, object, objects, text, textOrNull, texts } from '../fields';
import { getJson } from './http';

export interface Pack {
	readonly name: string;
	readonly path: string;
	readonly kinds: readonly string[];
	readonly seconds: number;
	/** The traceback of what went wrong; empty if nothing did. */
	readonly error: string;
}

/** A pack's web folder. */
export interface Extension {
	readonly name: string;
	readonly pack: string;
	readonly title: string;
	readonly description: string;
	readonly version: string;
	/** The version of the extension API that it is written for; null if it is for another front end. */
	readonly api: number | null;
	/** What the editor loads. */
	readonly module: string | null;
	readonly scripts: readonly string[];
	/** What is wrong with its manifest. */
	readonly error: string | null;
}

export async function fetchPacks(): Promise<readonly Pack[]> {
	return objects(object(await getJson('v1/packs')).packs).map((pack) => ({
		name: text(pack.name),
		path: text(pack.path),
		kinds: texts(pack.kinds),
		seconds: count(pack.seconds),
		error: text(pack.error),
	}));
}

export async function fetchExtensions(): Promise<readonly Extension[]> {
	return objects(object(await getJson('v1/extensions')).extensions).map((item) => ({
		name: text(item.name),
		pack: text(item.pack),
		title: text(item.title),
		description: text(item.description),
		version: text(item.version),
		api: countOrNull(item.api),
		module: textOrNull(item.module),
		scripts: texts(item.scripts),
		error: textOrNull(item.error),
	}));
}
