import { widgetTestId, type WidgetProps } from './types';

export function TextWidget({ node, input, value, label, refused, onChange }: WidgetProps) {
	const text = value === undefined ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value);
	const placeholder = typeof input.options.placeholder === 'string' ? input.options.placeholder : '';
	const common = {
		'data-testid': widgetTestId(node, input),
		'aria-label': label,
		'aria-invalid': refused,
		'data-wrong': refused || undefined,
		placeholder,
		value: text,
	};
	if (input.options.multiline === true) {
		return (
			<textarea
				{...common}
				className="text nodrag nowheel"
				rows={3}
				onChange={(event) => onChange(event.target.value)}
			/>
		);
	}
	return (
		<input
			{...common}
			className="text nodrag"
			autoComplete="off"
			spellCheck={false}
			onChange={(event) => onChange(event.target.value)}
		/>
	);
}
