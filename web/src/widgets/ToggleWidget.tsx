import { widgetTestId, type WidgetProps } from './types';

export function ToggleWidget({ node, input, value, label, onChange }: WidgetProps) {
	const on = value === true;
	const word = on ? input.options.label_on : input.options.label_off;
	return (
		<label className="toggle nodrag">
			<input
				type="checkbox"
				role="switch"
				data-testid={widgetTestId(node, input)}
				aria-label={label}
				checked={on}
				onChange={(event) => onChange(event.target.checked)}
			/>
			<span className="track" aria-hidden="true" />
			<span>{typeof word === 'string' ? word : on ? 'on' : 'off'}</span>
		</label>
	);
}
