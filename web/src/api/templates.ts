/** Workflows to begin with: the program's own, and those that packs of custom nodes bring. */

import { text } from '../fields';
import { isList, isObject } from '../json';
import { expectOk, getJson, url } from './http';

export interface Template {
	/** Empty for the program's own. */
	readonly pack: string;
	readonly name: string;
	readonly title: string;
	readonly description: string;
	readonly pictured: boolean;
}

export async function fetchTemplates(): Promise<readonly Template[]> {
	const [workflows, packs] = await Promise.all([getJson('v1/workflows'), getJson('workflow_templates')]);
	const list = isObject(workflows) && isList(workflows.workflows) ? workflows.workflows.filter(isObject) : [];
	const own = list.flatMap(({ name, title, description, built_in, pictured }) =>
		built_in === true && typeof name === 'string'
			? [{ pack: '', name, title: text(title) || name, description: text(description), pictured: pictured === true }]
			: [],
	);
	const others = Object.entries(isObject(packs) ? packs : {}).flatMap(([pack, names]) =>
		(isList(names) ? names : []).flatMap((name) =>
			typeof name === 'string' ? [{ pack, name, title: name, description: '', pictured: true }] : [],
		),
	);
	return [...own, ...others];
}

export async function fetchPackTemplate(pack: string, name: string): Promise<string> {
	return (await expectOk(path(pack, `${name}.json`), {})).text();
}

export function packTemplatePictureUrl(pack: string, name: string): string {
	return url(path(pack, `${name}.jpg`));
}

function path(pack: string, file: string): string {
	return `api/workflow_templates/${encodeURIComponent(pack)}/${encodeURIComponent(file)}`;
}
