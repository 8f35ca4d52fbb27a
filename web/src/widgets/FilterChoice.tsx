import { useEffect, useId, useMemo, useRef, useState, type KeyboardEvent, type ReactNode } from 'react';
import { inputPictureUrl } from '../api/http';
import type { ModelFile } from '../api/types';
import { t } from '../i18n/i18n';
import { chosen } from './ChoiceWidget';
import { filesOf, looksLikeModels, needModels, sizeText, useModels } from './models';
import { PopupList } from './PopupList';
import { widgetTestId, type WidgetProps } from './types';
import { uploadOf } from './uploads';

/** In pixels, of the longer side. */
const THUMBNAIL = '96';

/** A long list, or one of files: typing narrows it. */
export function FilterChoice(props: WidgetProps) {
	const { node, input, value, label, refused, onChange } = props;
	const choices = input.choices ?? [];
	const [filter, setFilter] = useState<string | null>(null);
	const [at, setAt] = useState(0);
	const field = useRef<HTMLInputElement>(null);
	const list = useId();
	const shown = value === undefined ? '' : String(value);
	const needle = (filter ?? '').trim().toLowerCase();
	const matches = choices
		.map(String)
		.filter((choice) => needle === shown.toLowerCase() || choice.toLowerCase().includes(needle));
	const open = filter !== null;
	const rows = useRows(props, open);

	const pick = (text: string): void => {
		setFilter(null);
		onChange(chosen(choices, text));
	};
	const narrow = (text: string): void => {
		setFilter(text);
		setAt(0);
		if (choices.some((choice) => String(choice) === text)) {
			onChange(chosen(choices, text));
		}
	};
	const start = (): void => {
		setFilter(shown);
		setAt(
			Math.max(
				0,
				choices.findIndex((choice) => String(choice) === shown),
			),
		);
		field.current?.select();
	};
	const onKeyDown = (event: KeyboardEvent): void => {
		const move = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 }[event.key];
		if (move !== undefined) {
			event.preventDefault();
			if (open) {
				setAt(Math.min(matches.length - 1, Math.max(0, at + move)));
			} else {
				start();
			}
		} else if (event.key === 'Enter' && !event.ctrlKey && !event.metaKey) {
			if (open) {
				pick(matches[at] ?? filter);
			} else {
				start();
			}
		} else if (event.key === 'Escape' && open) {
			event.stopPropagation();
			setFilter(null);
		}
	};

	return (
		<>
			<input
				ref={field}
				className="choice nodrag"
				role="combobox"
				data-testid={widgetTestId(node, input)}
				aria-label={label}
				aria-expanded={open}
				aria-controls={open ? list : undefined}
				aria-autocomplete="list"
				aria-activedescendant={open && matches.length > 0 ? `${list}-${at}` : undefined}
				aria-invalid={refused}
				data-wrong={refused || undefined}
				autoComplete="off"
				spellCheck={false}
				value={filter ?? shown}
				onChange={(event) => narrow(event.target.value)}
				onFocus={start}
				onClick={() => !open && start()}
				onBlur={() => setFilter(null)}
				onKeyDown={onKeyDown}
			/>
			{open && (
				<PopupList
					id={list}
					field={field}
					choices={matches}
					at={at}
					current={shown}
					label={label}
					row={rows}
					onPick={pick}
					onClose={() => setFilter(null)}
				/>
			)}
		</>
	);
}

/** A picture beside its name; a model with its family and size. */
function useRows({ input }: WidgetProps, open: boolean): ((choice: string) => ReactNode) | undefined {
	const choices = input.choices ?? [];
	const models = open && looksLikeModels(choices);
	useEffect(() => {
		if (models) {
			void needModels();
		}
	}, [models]);
	const files = useModels((state) => (models ? state.files : null));
	const known = useMemo(() => filesOf(choices.map(String), files ?? []), [choices, files]);
	if (uploadOf(input) === 'image') {
		return (choice) => <PictureRow name={choice} />;
	}
	return models ? (choice) => <ModelRow name={choice} file={known.get(choice)} /> : undefined;
}

function PictureRow({ name }: { name: string }) {
	return (
		<span className="choice-row">
			<img src={inputPictureUrl(name, { size: THUMBNAIL })} alt="" loading="lazy" decoding="async" />
			<span>{name}</span>
		</span>
	);
}

function ModelRow({ name, file }: { name: string; file: ModelFile | undefined }) {
	return (
		<span className="choice-row">
			<span>{name}</span>
			{file !== undefined && (
				<small data-broken={file.damage !== '' || undefined}>
					{file.damage !== '' ? t('widget.damaged') : [file.family, sizeText(file.size)].filter(Boolean).join(' · ')}
				</small>
			)}
		</span>
	);
}
