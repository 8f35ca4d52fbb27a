import {
	memo,
	useCallback,
	useLayoutEffect,
	useMemo,
	useRef,
	useState,
	type KeyboardEvent,
	type MouseEvent,
	type PointerEvent,
	type ReactNode,
	type RefObject,
} from 'react';
import { flushSync } from 'react-dom';
import { Icon } from '../panels/icons';
import { drawnRows, placesOf, ROW_HEIGHT, TOP, viewOf, type Place } from './rows';

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
	/** What a row shows. The same function as before draws only the rows that are others. */
	readonly children: (row: T) => ReactNode;
}

/** A tree by the keys that trees have: arrows, Home, End, Enter, and letters. Only rows near those in view are drawn. */
export function Tree<T extends TreeRow>(props: TreeProps<T>) {
	const { rows, label, testid, onToggle, onChoose, onKey, onPointerDown, children } = props;
	const [active, setActive] = useState<string | null>(null);
	const list = useRef<HTMLDivElement>(null);
	const at = Math.max(0, rows.findIndex((row) => row.id === active));
	const current = rows[at];
	const view = useView(list, rows.length);
	const places = useMemo(() => placesOf(rows), [rows]);
	const focus = (row: T | undefined): void => {
		if (row !== undefined) {
			// It may be far from what is drawn.
			flushSync(() => setActive(row.id));
			list.current?.querySelector<HTMLElement>(`[data-index="${rows.indexOf(row)}"]`)?.focus();
		}
	};
	/** The row that an event came from, if it was in one. */
	const rowOf = (event: { readonly target: EventTarget }): T | undefined => {
		const element = event.target instanceof Element ? event.target.closest<HTMLElement>('[role="treeitem"]') : null;
		return rows[Number(element?.dataset.index ?? -1)];
	};
	const onClick = (event: MouseEvent): void => {
		const row = rowOf(event);
		if (row === undefined) {
			return;
		}
		if (row.open !== undefined && event.target instanceof Element && event.target.closest('.twist') !== null) {
			onToggle(row, !row.open);
		} else {
			onChoose(row);
		}
	};
	const onKeyDown = (event: KeyboardEvent): void => {
		const { target } = event;
		if (current === undefined || event.ctrlKey || event.metaKey || event.altKey || !(target instanceof HTMLElement)) {
			return;
		}
		// Keys in a field or on a button of a row are theirs.
		if (!target.matches('[role="treeitem"]')) {
			return;
		}
		if (onKey?.(event, current) === true || move(event.key, current)) {
			event.preventDefault();
			event.stopPropagation();
		}
	};
	const move = (key: string, row: T): boolean => {
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
				return key.length === 1 && jump(key);
		}
	};
	const jump = (letter: string): boolean => {
		const found = [...rows.slice(at + 1), ...rows].find((row) => row.label.toLowerCase().startsWith(letter.toLowerCase()));
		focus(found);
		return found !== undefined;
	};
	return (
		<div
			ref={list}
			className="tree"
			role="tree"
			aria-label={label}
			data-testid={testid}
			onKeyDown={onKeyDown}
			onFocus={(event) => {
				const row = rowOf(event);
				if (row !== undefined) {
					setActive(row.id);
				}
			}}
			onPointerDown={(event) => {
				const row = rowOf(event);
				if (row !== undefined) {
					onPointerDown?.(event, row);
				}
			}}
			onClick={onClick}
		>
			<div role="presentation" className="tree-rows" style={{ height: rows.length * ROW_HEIGHT }}>
				{drawnRows(rows.length, view, at).map((index) => {
					const row = rows[index];
					const place = places[index];
					return (
						row !== undefined &&
						place !== undefined && (
							<Row
								key={row.id}
								row={row}
								index={index}
								at={place.at}
								of={place.of}
								stop={index === at}
								testid={testid}
								draw={children}
							/>
						)
					);
				})}
			</div>
		</div>
	);
}

/** What of the list can be seen now. */
function useView(list: RefObject<HTMLDivElement | null>, count: number) {
	const [view, setView] = useState(TOP);
	const look = useCallback(() => {
		const { scrollTop = 0, clientHeight = 0 } = list.current ?? {};
		const next = viewOf(scrollTop, clientHeight);
		setView((before) => (before.first === next.first && before.last === next.last ? before : next));
	}, [list]);
	// With fewer rows it may have to scroll back.
	useLayoutEffect(look, [look, count]);
	useLayoutEffect(() => {
		const element = list.current;
		if (element === null) {
			return undefined;
		}
		const sizes = new ResizeObserver(look);
		sizes.observe(element);
		element.addEventListener('scroll', look, { passive: true });
		return () => {
			sizes.disconnect();
			element.removeEventListener('scroll', look);
		};
	}, [list, look]);
	return view;
}

interface RowProps<T extends TreeRow> extends Place {
	readonly row: T;
	readonly index: number;
	/** It is where Tab stops. */
	readonly stop: boolean;
	readonly testid: string;
	readonly draw: (row: T) => ReactNode;
}

function AnyRow<T extends TreeRow>({ row, index, at, of, stop, testid, draw }: RowProps<T>) {
	return (
		<div
			role="treeitem"
			className="tree-row"
			tabIndex={stop ? 0 : -1}
			aria-level={row.level}
			aria-setsize={of}
			aria-posinset={at}
			aria-expanded={row.open}
			aria-selected={row.selected ?? false}
			aria-label={row.spoken}
			data-index={index}
			data-testid={`${testid}-${row.id}`}
			style={{ top: index * ROW_HEIGHT, height: ROW_HEIGHT, paddingLeft: 6 + 14 * (row.level - 1) }}
		>
			<span className="twist" data-open={row.open}>
				{row.open !== undefined && <Icon name="right" />}
			</span>
			{draw(row)}
		</div>
	);
}

// `memo` forgets that it is for any kind of row.
const Row = memo(AnyRow) as typeof AnyRow;
