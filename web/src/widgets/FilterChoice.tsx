import { useEffect, useId, useRef, useState, type KeyboardEvent } from 'react';
import { createPortal } from 'react-dom';
import { chosen } from './ChoiceWidget';
import { widgetTestId, type WidgetProps } from './types';

const LIST_HEIGHT = 280;

/** A long list: typing narrows it. */
export function FilterChoice({ node, input, value, label, refused, onChange }: WidgetProps) {
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
				aria-controls={list}
				aria-autocomplete="list"
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
				<ChoiceList
					id={list}
					field={field}
					choices={matches}
					at={at}
					current={shown}
					onPick={pick}
					onClose={() => setFilter(null)}
				/>
			)}
		</>
	);
}

interface ListProps {
	readonly id: string;
	readonly field: React.RefObject<HTMLInputElement | null>;
	readonly choices: readonly string[];
	readonly at: number;
	readonly current: string;
	readonly onPick: (choice: string) => void;
	readonly onClose: () => void;
}

function ChoiceList({ id, field, choices, at, current, onPick, onClose }: ListProps) {
	const list = useRef<HTMLUListElement>(null);
	useEffect(() => {
		list.current?.children[at]?.scrollIntoView({ block: 'nearest' });
	}, [at]);
	useEffect(() => {
		const close = (event: Event): void => {
			if (!(event.target instanceof Element && list.current?.contains(event.target) === true)) {
				onClose();
			}
		};
		window.addEventListener('wheel', close, { capture: true, passive: true });
		return () => window.removeEventListener('wheel', close, { capture: true });
	}, [onClose]);

	const box = field.current?.getBoundingClientRect();
	if (box === undefined) {
		return null;
	}
	const below = window.innerHeight - box.bottom > LIST_HEIGHT || box.top < LIST_HEIGHT;
	const place = below ? { top: box.bottom + 4 } : { bottom: window.innerHeight - box.top + 4 };
	return createPortal(
		<ul
			ref={list}
			id={id}
			role="listbox"
			className="choices"
			style={{ ...place, left: box.left, minWidth: Math.max(180, box.width), maxHeight: LIST_HEIGHT }}
			// Keeps the field focused, so that its blur does not close the list before the click lands.
			onPointerDown={(event) => event.preventDefault()}
		>
			{choices.map((choice, index) => (
				<li
					key={choice}
					role="option"
					aria-selected={choice === current}
					data-at={index === at || undefined}
					onClick={() => onPick(choice)}
				>
					{choice}
				</li>
			))}
			{choices.length === 0 && <li className="none">nothing matches</li>}
		</ul>,
		document.body,
	);
}
