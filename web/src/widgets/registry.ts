/** Which widget edits which input. The first entry that wants an input gets it. */

import type { ComponentType } from 'react';
import { create } from 'zustand';
import { addStart, hasWidget, widgetType } from '../graph/defaults';
import { isSeed } from '../graph/seeds';
import type { InputInfo } from '../graph/types';
import type { Json } from '../json';
import { ChoiceWidget } from './ChoiceWidget';
import { ColourWidget } from './ColourWidget';
import { isCurve } from './curves';
import { CurveWidget } from './CurveWidget';
import { guarded } from './Guard';
import { JsonWidget } from './JsonWidget';
import { NumberWidget } from './NumberWidget';
import { SeedWidget } from './SeedWidget';
import { hasRange, SliderWidget } from './SliderWidget';
import { TextWidget } from './TextWidget';
import { ToggleWidget } from './ToggleWidget';
import { uploadOf } from './uploads';
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
const NUMBERS = ['INT', 'FLOAT'];

const ENTRIES: readonly WidgetEntry[] = [
	{ wants: (input) => uploadOf(input) !== null, component: UploadWidget, wide: true },
	{ wants: isColour, component: ColourWidget },
	{ wants: isCurve, component: CurveWidget, wide: true },
	{ wants: isSeed, component: SeedWidget },
	{ wants: (input) => isNumber(input) && input.options.display === 'slider' && hasRange(input), component: SliderWidget },
	{ wants: isNumber, component: NumberWidget },
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
	const added = { ...entry, component: guarded(entry.component), wants: (input: InputInfo) => wantsSafely(entry, input) };
	const takeBack = start === undefined ? () => undefined : addStart({ ...added, start });
	useMore.setState(({ entries }) => ({ entries: [added, ...entries] }));
	return () => {
		takeBack();
		useMore.setState(({ entries }) => ({ entries: entries.filter((other) => other !== added) }));
	};
}

export function widgetEntry(input: InputInfo): WidgetEntry {
	if (input.options.forceInput === true) {
		return FALLBACK;
	}
	const wants = (entry: WidgetEntry): boolean => entry.wants(input);
	return useMore.getState().entries.find(wants) ?? ENTRIES.find(wants) ?? FALLBACK;
}

/** The same for a component: it is drawn anew when a plugin brings a widget. */
export function useWidgetEntry(input: InputInfo): WidgetEntry {
	useWidgetCount();
	return widgetEntry(input);
}

/** Changes whenever a plugin has brought a widget: inputs that had only a socket may have one now. */
export function useWidgetCount(): number {
	return useMore((more) => more.entries.length);
}

/** A plugin that fails must not take the whole editor with it. */
function wantsSafely(entry: WidgetEntry, input: InputInfo): boolean {
	try {
		return entry.wants(input);
	} catch (error) {
		console.error(error);
		return false;
	}
}

function isNumber(input: InputInfo): boolean {
	return NUMBERS.includes(widgetType(input) ?? '');
}

function isColour(input: InputInfo): boolean {
	return input.type === 'COLOR' || (input.options.display === 'color' && widgetType(input) !== null);
}

/** File names, mostly. A few long ones among many short names do not count. */
function hasLongChoices(input: InputInfo): boolean {
	const choices = widgetType(input) === 'COMBO' ? (input.choices ?? []) : [];
	return choices.filter((choice) => String(choice).length > LONG_CHOICE).length * 3 > choices.length;
}
