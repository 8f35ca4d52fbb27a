import { useMemo, useState, type PointerEvent } from 'react';
import { createPortal } from 'react-dom';
import { useTranslation } from 'react-i18next';
import { addKind } from '../canvas/commands';
import { socketColour } from '../canvas/palette';
import { canvasCentre, type Point } from '../canvas/view';
import { useKinds } from '../graph/kinds';
import type { KindInfo } from '../graph/types';
import { searchKinds } from '../panels/search';
import { Tree } from '../ui/Tree';
import { categoryRows, type PaletteRow } from './categories';
import { SearchField } from '../ui/SearchField';

const DRAG_FROM = 6;

/** All kinds by category, to be dragged onto the canvas or added by Enter. */
export default function NodesPanel() {
	const { t } = useTranslation();
	const kinds = useKinds((state) => state.kinds);
	const [text, setText] = useState('');
	const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
	const [dragged, setDragged] = useState<{ readonly info: KindInfo; readonly at: Point } | null>(null);
	const rows = useMemo(() => {
		const all = text.trim() === '' ? [...kinds.values()] : searchKinds(kinds, text, null);
		return categoryRows(all, text.trim() === '' ? open : null, t('search.other'));
	}, [kinds, text, open, t]);
	const toggle = ({ id }: PaletteRow, on: boolean): void =>
		setOpen((before) => new Set(on ? [...before, id] : [...before].filter((other) => other !== id)));
	const choose = (row: PaletteRow): void => {
		if (row.info === null) {
			toggle(row, row.open !== true);
		} else {
			addKind(row.info.kind, canvasCentre(), null);
		}
	};
	return (
		<div className="palette-panel">
			<SearchField testid="palette-filter" label={t('search.label')} value={text} onChange={setText} />
			<p className="faint">{t('building.dragHint')}</p>
			{rows.length === 0 ? (
				<p className="none">{t('common.nothing')}</p>
			) : (
				<Tree
					label={t('panels.nodes')}
					testid="palette-tree"
					rows={rows}
					onToggle={toggle}
					onChoose={choose}
					onPointerDown={(event, { info }) => info !== null && startDrag(event, info, setDragged)}
				>
					{draw}
				</Tree>
			)}
			{dragged !== null &&
				createPortal(
					<div className="drag-ghost" style={{ left: dragged.at.x, top: dragged.at.y, '--socket': colourOf(dragged.info) }}>
						{dragged.info.title}
					</div>,
					document.body,
				)}
		</div>
	);
}

function draw(row: PaletteRow) {
	return <RowContent row={row} />;
}

function RowContent({ row: { info, label, count } }: { row: PaletteRow }) {
	const { t } = useTranslation();
	return (
		<>
			{info !== null && <i className="dot" style={{ background: colourOf(info) }} />}
			<span className="name" data-tip={info?.description || undefined}>
				{label}
			</span>
			{info === null && <small>{count}</small>}
			{info?.deprecated === true && <span className="badge">{t('node.deprecated')}</span>}
		</>
	);
}

type Show = (dragged: { readonly info: KindInfo; readonly at: Point } | null) => void;

/** By any pointer: a mouse, a pen, or a finger that moves sideways. */
function startDrag({ clientX, clientY, pointerId, button }: PointerEvent, info: KindInfo, show: Show): void {
	if (button !== 0) {
		return;
	}
	const abort = new AbortController();
	const { signal } = abort;
	let moving = false;
	const end = (): void => {
		abort.abort();
		show(null);
	};
	const options = { signal, capture: true };
	window.addEventListener(
		'pointermove',
		(event) => {
			moving ||= Math.hypot(event.clientX - clientX, event.clientY - clientY) > DRAG_FROM;
			if (moving && event.pointerId === pointerId) {
				show({ info, at: { x: event.clientX, y: event.clientY } });
			}
		},
		options,
	);
	window.addEventListener(
		'pointerup',
		(event) => {
			end();
			if (moving) {
				// The row is not to be clicked at the end of a drag.
				const swallow = new AbortController();
				window.addEventListener('click', (click) => click.stopPropagation(), { capture: true, signal: swallow.signal });
				setTimeout(() => swallow.abort());
				if (document.elementFromPoint(event.clientX, event.clientY)?.closest('.canvas') != null) {
					addKind(info.kind, { x: event.clientX, y: event.clientY }, null);
				}
			}
		},
		options,
	);
	window.addEventListener('pointercancel', end, options);
	window.addEventListener('keydown', (event) => event.key === 'Escape' && end(), options);
}

function colourOf(info: KindInfo): string {
	return socketColour(info.outputs[0]?.type ?? info.inputs[0]?.type ?? '*');
}
