import { t } from '../i18n/i18n';
import type { Json } from '../json';
import { FilterChoice } from './FilterChoice';
import { Hint } from './Hint';
import { looksLikeModels } from './models';
import { widgetTestId, type WidgetProps } from './types';
import { uploadOf } from './uploads';

const FILTER_FROM = 15;

export function ChoiceWidget(props: WidgetProps) {
	const choices = props.input.choices ?? [];
	const searched = choices.length > FILTER_FROM || uploadOf(props.input) === 'image' || looksLikeModels(choices);
	return (
		<>
			{searched ? <FilterChoice {...props} /> : <PlainChoice {...props} />}
			<Hint text={choiceHint(props)} />
		</>
	);
}

/** The choice whose text this is; text that is none stays text, for the server to refuse. */
export function chosen(choices: readonly Json[], text: string): Json {
	return choices.find((choice) => String(choice) === text) ?? text;
}

function choiceHint({ input, value }: WidgetProps): string | null {
	const choices = input.choices ?? [];
	// The server looks for an uploaded file itself: it may be newer than this list.
	if (uploadOf(input) !== null || input.options.remote !== undefined) {
		return null;
	}
	if (choices.length === 0) {
		return t('widget.noChoices');
	}
	return value === undefined || choices.includes(value) ? null : t('widget.noChoice');
}

function PlainChoice({ node, input, value, label, refused, onChange }: WidgetProps) {
	const choices = input.choices ?? [];
	const known = choices.includes(value ?? null);
	const shown = value === undefined ? '' : String(value);
	return (
		<select
			className="choice nodrag"
			data-testid={widgetTestId(node, input)}
			aria-label={label}
			aria-invalid={refused || !known}
			data-wrong={refused || undefined}
			value={shown}
			onChange={(event) => onChange(chosen(choices, event.target.value))}
		>
			{!known && <option value={shown}>{shown === '' ? '—' : shown}</option>}
			{choices.map((choice) => (
				<option key={String(choice)} value={String(choice)}>
					{String(choice)}
				</option>
			))}
		</select>
	);
}
