/** The settings of the server, as this run of it has them. */

import { isList, type Json } from '../json';
import { object } from '../fields';
import { getJson } from './http';

export const SECTIONS = ['folders', 'limits', 'versions', 'features'] as const;
export type Section = (typeof SECTIONS)[number];
/** Null: as much as there is. */
export type Setting = string | number | boolean | null | readonly string[];
export type ServerConfig = { readonly [section in Section]: readonly (readonly [string, Setting])[] };

export async function fetchConfig(): Promise<ServerConfig> {
	const answer = object(await getJson('v1/config'));
	const read = (section: Section): readonly (readonly [string, Setting])[] =>
		Object.entries(object(answer[section])).map(([name, value]) => [name, settingOf(value)]);
	return { folders: read('folders'), limits: read('limits'), versions: read('versions'), features: read('features') };
}

function settingOf(value: Json): Setting {
	if (isList(value)) {
		return value.map(String);
	}
	return typeof value === 'bigint' ? Number(value) : typeof value === 'object' ? null : value;
}
