import { PromptField } from './PromptField';
import { widgetTestId, type WidgetProps } from './types';

export function TextWidget(props: WidgetProps) {
	const { node, input, label, refused, onChange } = props;
	if (input.options.multiline === true) {
		return <PromptField {...props} text={textOf(props)} />;
	}
	return (
		<input
			className="text nodrag"
			data-testid={widgetTestId(node, input)}
			aria-label={label}
			aria-invalid={refused}
			data-wrong={refused || undefined}
			placeholder={placeholderOf(input)}
			value={textOf(props)}
			autoComplete="off"
			spellCheck={false}
			onChange={(event) => onChange(event.target.value)}
		/>
	);
}

export function placeholderOf(input: WidgetProps['input']): string {
	return typeof input.options.placeholder === 'string' ? input.options.placeholder : '';
}

function textOf({ value }: WidgetProps): string {
	return value === undefined ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value);
}
