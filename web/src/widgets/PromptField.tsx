import { useId, useMemo, useRef, useState, type KeyboardEvent } from 'react';
import { t } from '../i18n/i18n';
import { chosen, completionAt, stepped } from './completion';
import { needPromptNames, usePromptNames } from './models';
import { PopupList } from './PopupList';
import { placeholderOf } from './TextWidget';
import { widgetTestId, type WidgetProps } from './types';
import { weighted } from './weights';

const STEP = 0.05;

/** Text in lines: Ctrl+↑ and Ctrl+↓ change how much words count, and names of files are completed. */
export function PromptField({ node, input, label, refused, onChange, text }: WidgetProps & { readonly text: string }) {
	const field = useRef<HTMLTextAreaElement>(null);
	const list = useId();
	/** Where something was typed that may be completed. */
	const [caret, setCaret] = useState<number | null>(null);
	/** Where the arrows went in the list; null: they were not used. */
	const [arrowed, setArrowed] = useState<number | null>(null);
	const names = usePromptNames();
	const completion = useMemo(() => (caret === null ? null : completionAt(text, caret, names)), [text, caret, names]);
	const offered = completion?.choices ?? [];
	const at = completion === null ? null : chosen(completion, arrowed);

	const close = (): void => setCaret(null);
	const pick = (choice: string): void => {
		if (completion !== null && field.current !== null) {
			const written = completion.write(choice);
			const end = completion.from + written.length;
			replace(field.current, { ...completion, text: written, start: end, end });
		}
		close();
	};
	const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>): void => {
		const up = event.key === 'ArrowUp';
		const mod = event.ctrlKey || event.metaKey;
		if (mod && !event.altKey && (up || event.key === 'ArrowDown')) {
			event.preventDefault();
			const { selectionStart, selectionEnd, value } = event.currentTarget;
			const edited = weighted(value, selectionStart, selectionEnd, up ? STEP : -STEP);
			if (edited !== null) {
				replace(event.currentTarget, edited);
			}
			close();
		} else if (completion !== null && !mod && !event.altKey) {
			if (up || event.key === 'ArrowDown') {
				event.preventDefault();
				setArrowed(stepped(completion, arrowed, up ? -1 : 1));
			} else if (at !== null && (event.key === 'Enter' || event.key === 'Tab')) {
				event.preventDefault();
				pick(offered[at] ?? '');
			} else if (event.key === 'Escape') {
				event.stopPropagation();
				close();
			}
		}
	};

	return (
		<>
			<textarea
				ref={field}
				className="text nodrag nowheel"
				rows={3}
				data-testid={widgetTestId(node, input)}
				aria-label={label}
				aria-invalid={refused}
				aria-autocomplete="list"
				aria-controls={offered.length > 0 ? list : undefined}
				aria-activedescendant={at === null ? undefined : `${list}-${at}`}
				data-wrong={refused || undefined}
				placeholder={placeholderOf(input)}
				value={text}
				onChange={(event) => {
					onChange(event.target.value);
					setCaret(event.target.selectionStart);
					setArrowed(null);
					void needPromptNames();
				}}
				onKeyDown={onKeyDown}
				onFocus={() => void needPromptNames()}
				onPointerDown={close}
				onBlur={close}
			/>
			{offered.length > 0 && (
				<PopupList
					id={list}
					field={field}
					label={t('widget.completions')}
					choices={offered}
					at={at}
					current=""
					onPick={pick}
					onClose={close}
				/>
			)}
		</>
	);
}

interface Replacement {
	readonly from: number;
	readonly to: number;
	readonly text: string;
	readonly start: number;
	readonly end: number;
}

/** As if it had been typed, so that the field's own undo knows of it. */
function replace(area: HTMLTextAreaElement, { from, to, text, start, end }: Replacement): void {
	area.focus();
	area.setSelectionRange(from, to);
	document.execCommand('insertText', false, text);
	area.setSelectionRange(start, end);
	// React may write the value once more, which would put the caret at its end.
	requestAnimationFrame(() => area.setSelectionRange(start, end));
}
