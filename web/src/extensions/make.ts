/** Makes what one extension is given. Whatever it does wrong is noted, and never reaches the editor. */

import { createElement } from 'react';
import { hearEvents } from '../run/client';
import { pictureUrl } from '../api/http';
import type { Event } from '../api/types';
import { selectedNodes } from '../canvas/flow';
import { registerCommands } from '../commands/registry';
import { registerPanel } from '../dock/panels';
import { currentKinds } from '../graph/kinds';
import { currentGraph, editGraph, useGraph } from '../graph/store';
import { t } from '../i18n/i18n';
import { showToast } from '../panels/toasts';
import { registerWidget } from '../widgets/registry';
import { API_VERSION, type ExtensionApi, type RunEvent } from './api';
import { EDITS, flaw, frozen } from './edits';
import { ForeignPanel, ForeignWidget } from './Foreign';

/** Runs a part of an extension; what it throws, or rejects with, is handed on, and the second value is given. */
export type Guard = <T>(part: () => T, otherwise: T) => T;

export function makeApi(name: string, guard: Guard): ExtensionApi {
	const worded = (text: string | (() => string)): string => (typeof text === 'string' ? text : guard(text, name));
	return {
		version: API_VERSION,
		name,
		registerWidget: (widget) => {
			const { wants, wide = false, start } = widget;
			return registerWidget({
				wants: (input) => guard(() => wants(input) === true, false),
				wide,
				component: (props) => createElement(ForeignWidget, { ...props, widget, guard }),
				...(start === undefined ? {} : { start: (input) => guard(() => start(input), null) }),
			});
		},
		registerCommand: ({ id, title, keys, enabled, run }) =>
			registerCommands([
				{
					id: `${name}:${id}`,
					title: () => worded(title),
					group: 'graph',
					...(keys === undefined ? {} : { keys }),
					...(enabled === undefined ? {} : { enabled: () => guard(() => enabled() === true, false) }),
					run: () => void guard(run, undefined),
				},
			]),
		registerPanel: ({ id, title, mount }) =>
			registerPanel({
				id: `${name}:${id}`,
				title: () => worded(title),
				icon: 'plug',
				component: () => createElement(ForeignPanel, { mount, guard }),
			}),
		graph: () => frozen(currentGraph()),
		kind: (kind) => frozen(currentKinds().get(kind)),
		kinds: () => [...currentKinds().keys()],
		selection: () => [...selectedNodes()],
		onGraph: (hear) =>
			useGraph.subscribe((state, before) => {
				if (state.graph !== before.graph) {
					guard(() => hear(frozen(state.graph)), undefined);
				}
			}),
		edit: (change) => {
			const before = frozen(currentGraph());
			const next = change(before, EDITS);
			const reason = flaw(next, before);
			if (reason !== null) {
				throw new TypeError(t('inspect.extensions.noGraph', { reason }));
			}
			editGraph(() => next);
		},
		onRun: (hear) =>
			hearEvents((event) => {
				for (const told of runEvents(event)) {
					guard(() => hear(told), undefined);
				}
			}),
		tell: (text) => showToast('info', String(text)),
	};
}

/** The server's events in the words of the extension API. */
export function runEvents(event: Event): readonly RunEvent[] {
	switch (event.type) {
		case 'execution_start':
			return [{ type: 'started', job: event.promptId }];
		case 'progress':
			return [{ type: 'progress', job: event.promptId, node: event.node, done: event.value, total: event.max }];
		case 'progress_state':
			return event.nodes
				.filter(({ state }) => state === 'running')
				.map(({ node, value, max }) => ({ type: 'progress', job: event.promptId, node, done: value, total: max }));
		case 'executed': {
			const { pictures, texts } = event.output;
			const addresses = pictures.map((picture) => pictureUrl(picture, event.promptId));
			return [{ type: 'result', job: event.promptId, node: event.node, pictures: addresses, texts }];
		}
		case 'execution_success':
			return [{ type: 'finished', job: event.promptId, state: 'succeeded' }];
		case 'execution_interrupted':
			return [{ type: 'finished', job: event.promptId, state: 'cancelled' }];
		case 'execution_error':
			// A branch that was passed over is told as an error, though the job goes on.
			return event.exception === 'ExecutionBlocked' ? [] : [{ type: 'finished', job: event.promptId, state: 'failed' }];
		default:
			return [];
	}
}
