/** Which widget edits which input. The first entry that wants an input gets it. */

import type { ComponentType } from 'react';
import { create } from 'zustand';
import { addStart, hasWidget, widgetType } from '../graph/defaults';
import { isSeed } from '../graph/seeds';
import type { InputInfo } from '../graph/types';
import type { Json } from '../json';
import { ChoiceWidget } from './ChoiceWidget';
import { JsonWidget } from './JsonWidget';
import { NumberWidget } from './NumberWidget';
import { SeedWidget } from './SeedWidget';
import { TextWidget } from './TextWidget';
import { ToggleWidget } from './ToggleWidget';
import { UploadWidget } from './UploadWidget';
import type { WidgetProps } from './types';

export interface WidgetEntry {
	readonly wants: (input: InputInfo) => boolean;
	readonly component: ComponentType<WidgetProps>;
	/** Stands below its label and takes the node's whole width. */
	readonly wide?: boolean;
	/** What an input holds at first that declares no default. Without it, only types that are plain values have a widget. */
	readonly start?: (input: InputInfo) => Json;
}

/** Beyond this, names are cut short beside a label. */
const LONG_CHOICE = 20;

const ENTRIES: readonly WidgetEntry[] = [
	{ wants: (input) => input.options.image_upload === true, component: UploadWidget, wide: true },
	{ wants: isSeed, component: SeedWidget },
	{ wants: (input) => ['INT', 'FLOAT'].includes(widgetType(input) ?? ''), component: NumberWidget },
	{ wants: hasLongChoices, component: ChoiceWidget, wide: true },
	{ wants: (input) => widgetType(input) === 'COMBO', component: ChoiceWidget },
	{ wants: (input) => widgetType(input) === 'BOOLEAN', component: ToggleWidget },
	{
		wants: (input) => widgetType(input) === 'STRING' && input.options.multiline === true,
		component: TextWidget,
		wide: true,
	},
	{ wants: (input) => widgetType(input) === 'STRING', component: TextWidget },
	{ wants: hasWidget, component: JsonWidget },
];

const FALLBACK: WidgetEntry = { wants: () => true, component: JsonWidget };

/** The widgets of plugins, the newest first. */
const useMore = create<{ readonly entries: readonly WidgetEntry[] }>()(() => ({ entries: [] }));

/** A widget of a plugin: it wins over those of the editor and of earlier plugins. Returns the way to take it back. */
export function registerWidget(entry: WidgetEntry): () => void {
	const { start } = entry;
	const takeBack = start === undefined ? () => undefined : addStart({ ...entry, start });
	useMore.setState(({ entries }) => ({ entries: [entry, ...entries] }));
	return () => {
		takeBack();
		useMore.setState(({ entries }) => ({ entries: entries.filter((other) => other !== entry) }));
	};
}

/** The widget of an input, which may change when a plugin arrives. */
export function useWidgetEntry(input: InputInfo): WidgetEntry {
	return entryOf(input, useMore((state) => state.entries));
}

/** Changes whenever a plugin has brought a widget: inputs that had only a socket may have one now. */
export function useWidgetCount(): number {
	return useMore((more) => more.entries.length);
}

function entryOf(input: InputInfo, more: readonly WidgetEntry[]): WidgetEntry {
	if (input.options.forceInput === true) {
		return FALLBACK;
	}
	return more.find((entry) => entry.wants(input)) ?? ENTRIES.find((entry) => entry.wants(input)) ?? FALLBACK;
}

/** File names, mostly. A few long ones among many short names do not count. */
function hasLongChoices(input: InputInfo): boolean {
	const choices = widgetType(input) === 'COMBO' ? (input.choices ?? []) : [];
	return choices.filter((choice) => String(choice).length > LONG_CHOICE).length * 3 > choices.length;
}
