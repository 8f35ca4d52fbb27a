/** Which widget edits which input. The first entry that wants an input gets it. */

import type { ComponentType } from 'react';
import { hasWidget, widgetType } from '../graph/defaults';
import { isSeed } from '../graph/seeds';
import type { InputInfo } from '../graph/types';
import { ChoiceWidget } from './ChoiceWidget';
import { JsonWidget } from './JsonWidget';
import { NumberWidget } from './NumberWidget';
import { SeedWidget } from './SeedWidget';
import { TextWidget } from './TextWidget';
import { ToggleWidget } from './ToggleWidget';
import { UploadWidget } from './UploadWidget';
import type { WidgetProps } from './types';

interface Entry {
	readonly wants: (input: InputInfo) => boolean;
	readonly widget: ComponentType<WidgetProps>;
	/** Stands below its label and takes the node's whole width. */
	readonly wide: boolean;
}

/** Beyond this, names are cut short beside a label. */
const LONG_CHOICE = 20;

const ENTRIES: readonly Entry[] = [
	{ wants: (input) => input.options.image_upload === true, widget: UploadWidget, wide: true },
	{ wants: isSeed, widget: SeedWidget, wide: false },
	{ wants: (input) => ['INT', 'FLOAT'].includes(widgetType(input) ?? ''), widget: NumberWidget, wide: false },
	{ wants: hasLongChoices, widget: ChoiceWidget, wide: true },
	{ wants: (input) => widgetType(input) === 'COMBO', widget: ChoiceWidget, wide: false },
	{ wants: (input) => widgetType(input) === 'BOOLEAN', widget: ToggleWidget, wide: false },
	{
		wants: (input) => widgetType(input) === 'STRING' && input.options.multiline === true,
		widget: TextWidget,
		wide: true,
	},
	{ wants: (input) => widgetType(input) === 'STRING', widget: TextWidget, wide: false },
	{ wants: hasWidget, widget: JsonWidget, wide: false },
];

const FALLBACK: Entry = { wants: () => true, widget: JsonWidget, wide: false };

export function widgetEntry(input: InputInfo): Entry {
	return (input.options.forceInput === true ? undefined : ENTRIES.find((entry) => entry.wants(input))) ?? FALLBACK;
}

/** File names, mostly. A few long ones among many short names do not count. */
function hasLongChoices(input: InputInfo): boolean {
	const choices = widgetType(input) === 'COMBO' ? (input.choices ?? []) : [];
	return choices.filter((choice) => String(choice).length > LONG_CHOICE).length * 3 > choices.length;
}
