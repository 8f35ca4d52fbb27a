import { useRef, useState, type KeyboardEvent, type PointerEvent, type ReactNode } from 'react';
import { Icon } from '../panels/icons';

export interface TreeRow {
	readonly id: string;
	/** From 1. */
	readonly level: number;
	/** Undefined for one that has nothing under it. */
	readonly open?: boolean | undefined;
	readonly selected?: boolean;
	/** As it is found by its first letters. */
	readonly label: string;
	/** What is read out where it is not all that the row says. */
	readonly spoken?: string;
}

interface TreeProps<T extends TreeRow> {
	readonly label: string;
	/** Those that can be seen, from top to bottom. */
	readonly rows: readonly T[];
	readonly testid: string;
	readonly onToggle: (row: T, open: boolean) => void;
	/** Enter, or a click. */
	readonly onChoose: (row: T) => void;
	/** True when the key meant something. */
	readonly onKey?: (event: KeyboardEvent, row: T) => boolean;
	readonly onPointerDown?: (event: PointerEvent, row: T) => void;
	readonly children: (row: T) => ReactNode;
}

/** A tree by the keys that trees have: arrows, Home, End, Enter, and letters. */
export function Tree<T extends TreeRow>(props: TreeProps<T>) {
	const { rows, label, testid, onToggle, onChoose, onKey, onPointerDown, children } = props;
	const [active, setActive] = useState<string | null>(null);
	const list = useRef<HTMLDivElement>(null);
	const current = rows.find((row) => row.id === active) ?? rows[0];
	const focus = (row: T | undefined): void => {
		if (row !== undefined) {
			setActive(row.id);
			const element = list.current?.children[rows.indexOf(row)];
			if (element instanceof HTMLElement) {
				element.focus();
			}
		}
	};
	const onKeyDown = (event: KeyboardEvent): void => {
		const { target, currentTarget } = event;
		if (current === undefined || event.ctrlKey || event.metaKey || event.altKey || !(target instanceof HTMLElement)) {
			return;
		}
		// Keys in a field or on a button of a row are theirs.
		if (target.parentElement !== currentTarget) {
			return;
		}
		if (onKey?.(event, current) === true || move(event.key, current)) {
			event.preventDefault();
			event.stopPropagation();
		}
	};
	const move = (key: string, row: T): boolean => {
		const at = rows.indexOf(row);
		switch (key) {
			case 'ArrowDown':
				focus(rows[at + 1]);
				return true;
			case 'ArrowUp':
				focus(rows[at - 1]);
				return true;
			case 'Home':
				focus(rows[0]);
				return true;
			case 'End':
				focus(rows.at(-1));
				return true;
			case 'ArrowRight':
				if (row.open === false) {
					onToggle(row, true);
				} else if (row.open === true) {
					focus(rows[at + 1]);
				}
				return true;
			case 'ArrowLeft':
				if (row.open === true) {
					onToggle(row, false);
				} else {
					focus(rows.slice(0, at).findLast((other) => other.level < row.level));
				}
				return true;
			case 'Enter':
			case ' ':
				onChoose(row);
				return true;
			default:
				return key.length === 1 && jump(key, at);
		}
	};
	const jump = (letter: string, at: number): boolean => {
		const found = [...rows.slice(at + 1), ...rows].find((row) => row.label.toLowerCase().startsWith(letter.toLowerCase()));
		focus(found);
		return found !== undefined;
	};
	return (
		<div ref={list} className="tree" role="tree" aria-label={label} data-testid={testid} onKeyDown={onKeyDown}>
			{rows.map((row) => (
				<div
					key={row.id}
					role="treeitem"
					className="tree-row"
					tabIndex={row === current ? 0 : -1}
					aria-level={row.level}
					aria-expanded={row.open}
					aria-selected={row.selected ?? false}
					aria-label={row.spoken}
					data-testid={`${testid}-${row.id}`}
					style={{ paddingLeft: 6 + 14 * (row.level - 1) }}
					onFocus={() => setActive(row.id)}
					onPointerDown={(event) => onPointerDown?.(event, row)}
					onClick={() => onChoose(row)}
				>
					<span
						className="twist"
						data-open={row.open}
						onClick={(event) => {
							if (row.open !== undefined) {
								event.stopPropagation();
								onToggle(row, !row.open);
							}
						}}
					>
						{row.open !== undefined && <Icon name="right" />}
					</span>
					{children(row)}
				</div>
			))}
		</div>
	);
}
