/** Makes what one extension is given. Whatever it does wrong is noted, and never reaches the editor. */

import { createElement } from 'react';
import { hearEvents } from '../run/client';
import { selectedNodes } from '../canvas/flow';
import { registerCommands } from '../commands/registry';
import { registerPanel } from '../dock/panels';
import { currentKinds } from '../graph/kinds';
import { currentGraph, editGraph, useGraph } from '../graph/store';
import { t } from '../i18n/i18n';
import { showToast } from '../panels/toasts';
import { registerWidget } from '../widgets/registry';
import { API_VERSION, type ExtensionApi } from './api';
import { EDITS, flaw, frozen } from './edits';
import { runEvents } from './events';
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
