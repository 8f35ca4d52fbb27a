import { useCallback, useEffect, useLayoutEffect, useRef, useState, type PointerEvent } from 'react';
import { Icon } from './icons';
import type { LightboxShot } from './lightbox';
import { closeLightbox } from './lightbox';
import { fitted, panned, zoomedAt, type Extent, type Zoom } from './zoom';
import { t } from '../i18n/i18n';

const STEP = 1.25;
/** From here on pixels are to be seen as such. */
const PIXELS = 3;

interface StageProps {
	readonly shot: LightboxShot;
	/** Compared with: seen left of the slider. */
	readonly other: LightboxShot | undefined;
}

/** A picture to zoom and pan: by wheel, double click, drag and keys. */
export function Stage({ shot, other }: StageProps) {
	const stage = useRef<HTMLDivElement>(null);
	const [size, setSize] = useState<Extent>({ width: 1, height: 1 });
	const [picture, setPicture] = useState<Extent | null>(null);
	/** Null: as large as there is room. */
	const [chosen, setChosen] = useState<Zoom | null>(null);
	const [split, setSplit] = useState(50);
	const fit = picture === null ? null : fitted(picture, size);
	const zoom = chosen ?? fit;
	const moved = useRef(false);

	const change = useCallback(
		(next: (zoom: Zoom) => Zoom) => setChosen((before) => (fit === null ? before : next(before ?? fit))),
		[fit],
	);
	const toPixels = (factor: number): void => change((before) => zoomedAt(before, factor / before.scale, { x: 0, y: 0 }));

	useLayoutEffect(() => {
		const element = stage.current;
		if (element === null) {
			return undefined;
		}
		const watch = new ResizeObserver(([entry]) => entry && setSize(entry.contentRect));
		watch.observe(element);
		return () => watch.disconnect();
	}, []);
	useEffect(() => {
		const element = stage.current;
		// React's own listener is passive: the page would be scrolled too.
		const onWheel = (event: WheelEvent): void => {
			event.preventDefault();
			const box = element?.getBoundingClientRect();
			const at = { x: event.clientX - (box?.x ?? 0) - size.width / 2, y: event.clientY - (box?.y ?? 0) - size.height / 2 };
			change((before) => zoomedAt(before, Math.exp(-event.deltaY / 400), at));
		};
		const onKey = (event: KeyboardEvent): void => {
			if (event.ctrlKey || event.metaKey || event.altKey) {
				return;
			}
			const act = {
				'+': () => change((before) => zoomedAt(before, STEP, { x: 0, y: 0 })),
				'=': () => change((before) => zoomedAt(before, STEP, { x: 0, y: 0 })),
				'-': () => change((before) => zoomedAt(before, 1 / STEP, { x: 0, y: 0 })),
				'0': () => setChosen(null),
				'1': () => toPixels(1),
			}[event.key];
			if (act !== undefined) {
				event.preventDefault();
				act();
			}
		};
		element?.addEventListener('wheel', onWheel, { passive: false });
		window.addEventListener('keydown', onKey);
		return () => {
			element?.removeEventListener('wheel', onWheel);
			window.removeEventListener('keydown', onKey);
		};
	});

	const onPointerMove = (event: PointerEvent): void => {
		if (event.buttons === 1 && picture !== null && event.currentTarget.hasPointerCapture(event.pointerId)) {
			moved.current = true;
			const by = { x: event.movementX, y: event.movementY };
			change((before) => panned(before, by, picture, size));
		}
	};
	const percent = zoom === null ? '' : `${Math.round(100 * zoom.scale)} %`;
	return (
		<>
			<div
				ref={stage}
				className="stage"
				data-testid="viewer-stage"
				data-zoom={percent}
				onPointerDown={(event) => {
					moved.current = false;
					if (event.button === 0) {
						event.currentTarget.setPointerCapture(event.pointerId);
					}
				}}
				onPointerMove={onPointerMove}
				onClick={(event) => {
					if (!moved.current && zoom !== null && picture !== null && beside(event.nativeEvent, stage.current, picture, zoom)) {
						closeLightbox();
					}
				}}
				onDoubleClick={() => (chosen === null ? toPixels(Math.abs((fit?.scale ?? 1) - 1) < 0.01 ? 2 : 1) : setChosen(null))}
			>
				{other !== undefined && <Layer shot={other} zoom={zoom} size={picture} />}
				<Layer
					shot={shot}
					zoom={zoom}
					size={picture}
					clip={other === undefined ? undefined : `inset(0 0 0 ${split}%)`}
					onSize={setPicture}
					main
				/>
				{other !== undefined && <div className="divider" style={{ left: `${split}%` }} />}
			</div>
			{other !== undefined && (
				<input
					type="range"
					className="split"
					data-testid="compare-slider"
					aria-label={t('running.viewer.slider')}
					min={0}
					max={100}
					step={0.5}
					value={split}
					onChange={(event) => setSplit(Number(event.target.value))}
				/>
			)}
			<div className="zooms">
				<button type="button" className="tool" aria-label={t('commands.zoomOut')} data-tip={`${t('commands.zoomOut')}\n−`} onClick={() => change((before) => zoomedAt(before, 1 / STEP, { x: 0, y: 0 }))}>
					<Icon name="minus" />
				</button>
				<button type="button" data-testid="viewer-zoom" data-tip={`${t('running.viewer.actual')}\n1`} onClick={() => toPixels(1)}>
					{percent}
				</button>
				<button type="button" className="tool" aria-label={t('commands.zoomIn')} data-tip={`${t('commands.zoomIn')}\n+`} onClick={() => change((before) => zoomedAt(before, STEP, { x: 0, y: 0 }))}>
					<Icon name="plus" />
				</button>
				<button type="button" className="tool" data-testid="viewer-fit" aria-label={t('running.viewer.fit')} data-tip={`${t('running.viewer.fit')}\n0`} onClick={() => setChosen(null)}>
					<Icon name="fit" />
				</button>
			</div>
		</>
	);
}

interface LayerProps {
	readonly shot: LightboxShot;
	readonly zoom: Zoom | null;
	/** Of the picture that the zoom is about: one of another size is drawn as large. */
	readonly size: Extent | null;
	readonly clip?: string | undefined;
	readonly onSize?: (size: Extent) => void;
	readonly main?: boolean;
}

function Layer({ shot, zoom, size, clip, onSize, main = false }: LayerProps) {
	const placed = zoom === null || size === null ? { visibility: 'hidden' as const } : placeOf(zoom, size);
	return (
		<div className="layer" style={clip === undefined ? undefined : { clipPath: clip }}>
			<img
				{...(main ? { 'data-testid': 'lightbox-image' } : { 'data-testid': 'compared-image' })}
				src={shot.url}
				alt={shot.picture.filename}
				draggable={false}
				style={placed}
				onLoad={({ currentTarget }) => onSize?.({ width: currentTarget.naturalWidth, height: currentTarget.naturalHeight })}
			/>
		</div>
	);
}

function placeOf({ scale, x, y }: Zoom, { width, height }: Extent) {
	return {
		width: width * scale,
		height: height * scale,
		left: `calc(50% + ${x - (width * scale) / 2}px)`,
		top: `calc(50% + ${y - (height * scale) / 2}px)`,
		imageRendering: scale >= PIXELS ? ('pixelated' as const) : ('auto' as const),
	};
}

/** Whether a click was beside the picture. */
function beside(event: MouseEvent, stage: HTMLElement | null, picture: Extent, zoom: Zoom): boolean {
	const box = stage?.getBoundingClientRect();
	if (box === undefined) {
		return false;
	}
	const x = Math.abs(event.clientX - box.x - box.width / 2 - zoom.x);
	const y = Math.abs(event.clientY - box.y - box.height / 2 - zoom.y);
	return x > (picture.width * zoom.scale) / 2 || y > (picture.height * zoom.scale) / 2;
}
