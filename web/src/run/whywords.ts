/** Why a node ran or did not, in the reader's language. */

import type { Given, Why } from '../api/jobreader';
import type { Doc } from '../graph/doc';
import { titleOf, type KindInfo, type Kinds } from '../graph/types';
import { t } from '../i18n/i18n';
import { isObject, type JsonObject } from '../json';
import { locate } from './inside';

/** What a node is called in these words, and what it is of. */
export type Naming = (id: string) => { readonly title: string; readonly info: KindInfo | undefined };

/** The nodes of a document, by the ids that they run by. */
export function namesIn(doc: Doc, kinds: Kinds): Naming {
	return (id) => {
		const node = locate(doc, id)?.node;
		const info = kinds.get(node?.kind ?? '');
		return { title: node === undefined ? id : titleOf(node, info), info };
	};
}

/** The nodes of a job's graph, in API form. */
export function namesInPrompt(prompt: JsonObject, kinds: Kinds): Naming {
	return (id) => {
		const entry = prompt[id];
		const { _meta: meta, class_type: kind } = isObject(entry) ? entry : {};
		const info = kinds.get(typeof kind === 'string' ? kind : '');
		const title = isObject(meta) && typeof meta.title === 'string' ? meta.title : '';
		return { title: title || (info?.title ?? id), info };
	};
}

/** The reason first, then what is to be told of it, a line each. A reason that is not known is in the server's words. */
export function whyWords(why: Why, named: Naming): readonly string[] {
	switch (why.code) {
		case 'first_time':
		case 'cached':
		case 'same_inputs':
		case 'twin':
		case 'fingerprint_changed':
			return [t(`running.why.${why.code}`)];
		case 'not_cacheable':
		case 'evicted':
		case 'version_changed':
		case 'input_changed':
		case 'upstream_changed': {
			const told = details(why, named);
			// Jobs that ran before the server told more than its words have nothing else.
			return [t(`running.why.${why.code}`), ...(told.length === 0 && why.text !== '' ? [why.text] : told)];
		}
		default:
			return [why.text || why.code];
	}
}

function details({ cause, changes, more, nodes, versions }: Why, named: Naming): string[] {
	const [before = '', after = ''] = versions;
	const names = nodes.map((id) => named(id).title).join(', ');
	const changed = changes.map(({ input, before: old, after: now }) => {
		if (now === null) {
			return t('running.whyMore.removed', { input });
		}
		return old === null
			? t('running.whyMore.added', { input, after: givenWords(now, named) })
			: t('running.whyMore.changed', { input, before: givenWords(old, named), after: givenWords(now, named) });
	});
	return [
		...changed,
		...(more === 0 ? [] : [t('running.whyMore.more', { count: more })]),
		...(versions.length === 0 ? [] : [t('running.whyMore.version', { before, after })]),
		...(cause === 'expansion' ? [t('running.whyMore.expansion', { names })] : []),
		...(cause === 'kind' || cause === 'fingerprint' || cause === 'settings' || cause === 'dropped'
			? [t(`running.whyMore.${cause}`)]
			: []),
		...(cause === null && nodes.length > 0 ? [t('running.whyMore.upstream', { names })] : []),
	];
}

function givenWords({ constant, node, output }: Given, named: Naming): string {
	if (node === null) {
		return constant ?? '';
	}
	const { title, info } = named(node);
	return t('running.whyMore.output', { output: info?.outputs[output]?.name ?? output, node: title });
}
