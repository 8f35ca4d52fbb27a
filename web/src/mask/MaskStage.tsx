import { useEffect, useRef, useState, type KeyboardEvent, type PointerEvent } from 'react';
import { t } from '../i18n/i18n';
import { drawingOn, type Painting } from './painting';
import type { Area, Spot } from './raster';
import { rgbOf, useTools, type Tool } from './tools';
import { moved, onPicture, zoomed, type View } from './view';

interface MaskStageProps {
	readonly painting: Painting;
	readonly picture: string;
	readonly view: View;
	readonly onView: (change: (view: View) => View) => void;
	readonly stage: React.RefObject<HTMLDivElement | null>;
	/** Tells how to draw on the canvas. */
	readonly onCanvas: (draw: (area?: Area) => void) => void;
	/** The stage has its size. */
	readonly onReady: () => void;
	readonly onBroken: () => void;
}

const ARROWS: Readonly<Record<string, readonly [number, number]>> = {
	ArrowLeft: [-1, 0],
	ArrowRight: [1, 0],
	ArrowUp: [0, -1],
	ArrowDown: [0, 1],
};
const WHEEL_ZOOM = 0.0015;
const PIXELATED_FROM = 3;

/** The picture with its mask, to paint on by mouse, pen, finger or keys. */
export function MaskStage({ painting, picture, view, onView, stage, onCanvas, onReady, onBroken }: MaskStageProps) {
	const { raster } = painting;
	const canvas = useRef<HTMLCanvasElement>(null);
	const fingers = useRef(new Map<number, Spot>());
	const panning = useRef(false);
	const [space, setSpace] = useState(false);
	const [cursor, setCursor] = useState<Spot | null>(null);
	const { size, opacity, colour, tool } = useTools();

	useEffect(() => {
		onReady();
		// The keys are the stage's, once the dialog has given the focus to something inside of it.
		requestAnimationFrame(() => stage.current?.focus());
	}, [onReady, stage]);
	useEffect(() => {
		if (canvas.current !== null) {
			const draw = drawingOn(canvas.current, raster, () => rgbOf(useTools.getState().colour));
			onCanvas(draw);
			draw();
		}
	}, [raster, colour, onCanvas]);
	useEffect(() => {
		const { current } = stage;
		const onWheel = (event: WheelEvent): void => {
			event.preventDefault();
			const box = current?.getBoundingClientRect();
			const at = { x: event.clientX - (box?.left ?? 0), y: event.clientY - (box?.top ?? 0) };
			onView((before) => zoomed(before, at, Math.exp(-event.deltaY * WHEEL_ZOOM)));
		};
		// React's own would be passive: the page would zoom or scroll along.
		current?.addEventListener('wheel', onWheel, { passive: false });
		return () => current?.removeEventListener('wheel', onWheel);
	}, [stage, onView]);

	const start = (chosen: Tool, at: Spot): void => {
		if (chosen !== 'fill') {
			painting.begin(chosen, { radius: size / 2, hardness: useTools.getState().hardness }, at);
		} else if (at.x >= 0 && at.y >= 0 && at.x < raster.width && at.y < raster.height) {
			painting.fill(at);
		}
	};
	const onPointerDown = (event: PointerEvent<HTMLDivElement>): void => {
		event.currentTarget.setPointerCapture(event.pointerId);
		fingers.current.set(event.pointerId, placeOf(event));
		if (fingers.current.size > 1) {
			painting.abandon(); // A second finger: the first was no stroke.
			panning.current = true;
		} else if (event.button === 1 || space) {
			panning.current = true;
		} else if (event.button === 0 || event.button === 2) {
			start(event.button === 2 ? 'erase' : tool, onPicture(view, placeOf(event)));
		}
	};
	const onPointerMove = (event: PointerEvent<HTMLDivElement>): void => {
		const at = placeOf(event);
		setCursor(onPicture(view, at));
		const before = fingers.current.get(event.pointerId);
		if (before === undefined) {
			return;
		}
		const other = [...fingers.current].find(([id]) => id !== event.pointerId)?.[1];
		fingers.current.set(event.pointerId, at);
		if (other !== undefined) {
			const [was, is] = [apart(before, other), apart(at, other)];
			onView((current) => moved(zoomed(current, other, is / Math.max(1, was)), (at.x - before.x) / 2, (at.y - before.y) / 2));
		} else if (panning.current) {
			onView((current) => moved(current, at.x - before.x, at.y - before.y));
		} else {
			const events = event.nativeEvent.getCoalescedEvents();
			const box = event.currentTarget.getBoundingClientRect();
			for (const { clientX, clientY } of events.length === 0 ? [event.nativeEvent] : events) {
				painting.extend(onPicture(view, { x: clientX - box.left, y: clientY - box.top }));
			}
		}
	};
	const onPointerEnd = (event: PointerEvent<HTMLDivElement>): void => {
		fingers.current.delete(event.pointerId);
		if (fingers.current.size === 0) {
			panning.current = false;
			painting.end();
		}
	};
	const onKeyDown = (event: KeyboardEvent): void => {
		const arrow = ARROWS[event.key];
		const at = cursor ?? { x: raster.width / 2, y: raster.height / 2 };
		if (event.key === ' ') {
			event.preventDefault();
			setSpace(true);
		} else if (arrow !== undefined) {
			event.preventDefault();
			const step = event.shiftKey ? 1 : Math.max(1, size / 4);
			setCursor({ x: at.x + arrow[0] * step, y: at.y + arrow[1] * step });
		} else if (event.key === 'Enter' && !event.ctrlKey && !event.metaKey) {
			event.preventDefault();
			start(tool, at);
			painting.end();
		}
	};

	return (
		<div
			ref={stage}
			className="mask-stage"
			data-testid="mask-stage"
			data-hand={space || undefined}
			tabIndex={0}
			role="application"
			aria-label={t('mask.canvas')}
			onPointerDown={onPointerDown}
			onPointerMove={onPointerMove}
			onPointerUp={onPointerEnd}
			onPointerCancel={onPointerEnd}
			onPointerLeave={() => setCursor(null)}
			onContextMenu={(event) => event.preventDefault()}
			onKeyDown={onKeyDown}
			onKeyUp={(event) => event.key === ' ' && setSpace(false)}
			onBlur={() => setSpace(false)}
		>
			<div
				className="mask-sheet"
				data-large={view.zoom >= PIXELATED_FROM || undefined}
				style={{
					width: raster.width,
					height: raster.height,
					transform: `translate(${view.x}px, ${view.y}px) scale(${view.zoom})`,
				}}
			>
				<img src={picture} alt="" draggable={false} onError={onBroken} />
				<canvas ref={canvas} width={raster.width} height={raster.height} style={{ opacity }} />
			</div>
			{cursor !== null && !space && (
				<div
					className="mask-cursor"
					style={{
						width: size * view.zoom,
						height: size * view.zoom,
						transform: `translate(${view.x + (cursor.x - size / 2) * view.zoom}px, ${view.y + (cursor.y - size / 2) * view.zoom}px)`,
					}}
				/>
			)}
		</div>
	);
}

function placeOf(event: PointerEvent<HTMLDivElement>): Spot {
	const box = event.currentTarget.getBoundingClientRect();
	return { x: event.clientX - box.left, y: event.clientY - box.top };
}

function apart(one: Spot, other: Spot): number {
	return Math.hypot(one.x - other.x, one.y - other.y);
}
