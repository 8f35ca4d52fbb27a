import { useState } from 'react';
import { t } from '../i18n/i18n';
import { colourValue, hexOf } from './colours';
import { Hint } from './Hint';
import { widgetTestId, type WidgetProps } from './types';

/** A colour: the browser's own picker, and its hexadecimal form beside it. */
export function ColourWidget({ node, input, value, label, refused, onChange }: WidgetProps) {
	const [draft, setDraft] = useState<string | null>(null);
	const hex = hexOf(value);
	const give = (text: string): void => onChange(colourValue(text, input));
	return (
		<>
			<div className="colour nodrag">
				<input
					type="color"
					data-testid={`${widgetTestId(node, input)}-picker`}
					aria-label={t('widget.pickColour', { label })}
					value={hex ?? '#000000'}
					onChange={(event) => {
						setDraft(null);
						give(event.target.value);
					}}
				/>
				<input
					className="text"
					data-testid={widgetTestId(node, input)}
					aria-label={label}
					aria-invalid={hex === null || refused}
					data-wrong={hex === null || refused || undefined}
					autoComplete="off"
					spellCheck={false}
					value={draft ?? hex ?? String(value ?? '')}
					onChange={(event) => {
						setDraft(event.target.value);
						give(event.target.value);
					}}
					onBlur={() => setDraft(null)}
				/>
			</div>
			<Hint text={hex === null ? t('widget.notColour') : null} />
		</>
	);
}
