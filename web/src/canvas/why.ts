/** Why two sockets cannot be joined, in words. */

import { currentGraph } from '../graph/store';
import { t } from '../i18n/i18n';
import { endsOf, objection } from './commands';

export interface HandleEnd {
	readonly nodeId: string;
	readonly id?: string | null;
	/** `source` or `target`. */
	readonly type: string;
}

/** Null where they can be. */
export function whyNot(from: HandleEnd, to: HandleEnd): string | null {
	if (from.type === to.type) {
		return from.type === 'source' ? t('link.outputs') : t('link.inputs');
	}
	const [source, target] = from.type === 'source' ? [from, to] : [to, from];
	const ends = endsOf({
		source: source.nodeId,
		target: target.nodeId,
		sourceHandle: source.id ?? null,
		targetHandle: target.id ?? null,
	});
	return ends && objection(currentGraph(), ends);
}

/** The socket at or in this element of the page. */
export function socketOf(element: Element | null): HandleEnd | null {
	const handle = element?.closest('.react-flow__handle');
	const nodeId = handle?.getAttribute('data-nodeid');
	return handle == null || nodeId == null
		? null
		: { nodeId, id: handle.getAttribute('data-handleid'), type: handle.classList.contains('source') ? 'source' : 'target' };
}
