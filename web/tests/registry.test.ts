import { createElement } from 'react';
import { renderToString } from 'react-dom/server';
import { describe, expect, test, vi } from 'vitest';
import { defaultValue, hasWidget } from '../src/graph/defaults';
import type { InputInfo } from '../src/graph/types';
import type { JsonObject } from '../src/json';
import { ColourWidget } from '../src/widgets/ColourWidget';
import { CurveWidget } from '../src/widgets/CurveWidget';
import { JsonWidget } from '../src/widgets/JsonWidget';
import { NumberWidget } from '../src/widgets/NumberWidget';
import { registerWidget, widgetEntry } from '../src/widgets/registry';
import { SliderWidget } from '../src/widgets/SliderWidget';
import type { WidgetProps } from '../src/widgets/types';
import { UploadWidget } from '../src/widgets/UploadWidget';

const input = (type: string, options: JsonObject = {}): InputInfo => {
	return { name: 'x', type, required: true, options, choices: type === 'COMBO' ? ['a'] : null, tooltip: '' };
};
const BOUNDED = { min: 0, max: 1, display: 'slider' };
const Star = ({ label }: WidgetProps) => createElement('b', null, `star of ${label}`);

describe('which widget edits an input', () => {
	test.each([
		[input('FLOAT', BOUNDED), SliderWidget],
		[input('FLOAT', { display: 'slider', min: 0 }), NumberWidget],
		[input('INT', { display: 'color' }), ColourWidget],
		[input('COLOR'), ColourWidget],
		[input('STRING', { display: 'curve' }), CurveWidget],
		[input('CURVE'), CurveWidget],
		[input('COMBO', { video_upload: true }), UploadWidget],
		[input('FLOAT', { ...BOUNDED, forceInput: true }), JsonWidget],
	])('%#', (info, component) => {
		expect(widgetEntry(info).component).toBe(component);
	});
});

describe('a widget of a plugin', () => {
	const stars = input('STARS');
	const props: WidgetProps = { node: 'n', input: stars, value: 3, label: 'rating', refused: false, onChange: () => undefined };

	test('makes a bare socket a value, wins over others, and can be taken back', () => {
		expect(hasWidget(stars)).toBe(false);

		const takeBack = registerWidget({ wants: ({ type }) => type === 'STARS', component: Star, start: () => 3 });

		expect([hasWidget(stars), defaultValue(stars)]).toEqual([true, 3]);
		expect(renderToString(createElement(widgetEntry(stars).component, props))).toContain('star of rating');

		const second = registerWidget({ wants: ({ type }) => type === 'STARS', component: () => null });

		expect(renderToString(createElement(widgetEntry(stars).component, props))).toBe('');

		second();
		takeBack();

		expect([hasWidget(stars), widgetEntry(stars).component]).toEqual([false, JsonWidget]);
	});

	test('that fails to say what it wants gets nothing', () => {
		const told = vi.spyOn(console, 'error').mockImplementation(() => undefined);
		const takeBack = registerWidget({
			wants: () => {
				throw new Error('broken');
			},
			component: Star,
		});

		expect(widgetEntry(input('FLOAT')).component).toBe(NumberWidget);
		expect(told).toHaveBeenCalled();

		takeBack();
		told.mockRestore();
	});
});
