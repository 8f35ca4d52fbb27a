import { useState } from 'react';
import { parseJson, writeJson, type Json } from '../json';
import { Hint } from './Hint';
import { widgetTestId, type WidgetProps } from './types';
import { t } from '../i18n/i18n';

/** Any value, as JSON; text that is no JSON is kept as text. */
export function JsonWidget({ node, input, value, label, refused, onChange }: WidgetProps) {
	const [draft, setDraft] = useState<string | null>(null);
	const shown = draft ?? (value === undefined ? '' : writeJson(value));
	const parsed = parse(shown);
	const type = (text: string): void => {
		const meant = parse(text);
		setDraft(text);
		onChange(meant === undefined ? text : meant);
	};
	return (
		<>
			<textarea
				className="text code nodrag nowheel"
				data-testid={widgetTestId(node, input)}
				aria-label={label}
				aria-invalid={refused}
				data-wrong={refused || undefined}
				spellCheck={false}
				rows={1}
				value={shown}
				onChange={(event) => type(event.target.value)}
				onBlur={() => setDraft(null)}
			/>
			<Hint text={parsed === undefined && shown !== '' ? t('widget.notJson') : null} />
		</>
	);
}

function parse(text: string): Json | undefined {
	try {
		return parseJson(text);
	} catch {
		return undefined;
	}
}
