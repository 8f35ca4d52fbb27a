import { useRef, type KeyboardEvent, type PointerEvent } from 'react';
import { t } from '../i18n/i18n';
import {
	addPoint,
	heightAt,
	movePoint,
	readCurve,
	removePoint,
	writeCurve,
	type Curve,
	type CurvePoint,
} from './curves';
import { JsonWidget } from './JsonWidget';
import { TextWidget } from './TextWidget';
import { widgetTestId, type WidgetProps } from './types';

const WIDTH = 200;
const HEIGHT = 100;
const SAMPLES = 64;
const NUDGE = 0.01;
const ARROWS: Readonly<Record<string, CurvePoint>> = {
	ArrowLeft: [-NUDGE, 0],
	ArrowRight: [NUDGE, 0],
	ArrowUp: [0, NUDGE],
	ArrowDown: [0, -NUDGE],
};

/** A curve through points: a click adds one, dragging moves it, a double click takes it away. */
export function CurveWidget(props: WidgetProps) {
	const curve = readCurve(props.value);
	if (curve !== null) {
		return <CurveField {...props} curve={curve} />;
	}
	// What is no curve can still be seen and mended.
	return typeof props.value === 'string' ? <TextWidget {...props} refused /> : <JsonWidget {...props} refused />;
}

function CurveField({ node, input, value, label, refused, onChange, curve }: WidgetProps & { curve: Curve }) {
	const dragged = useRef<number | null>(null);
	/** The points that the last press and the one before it began on. */
	const pressed = useRef<readonly [number | null, number | null]>([null, null]);
	const set = (next: Curve): void => onChange(writeCurve(next, value));

	const onPointerDown = (event: PointerEvent<SVGSVGElement>): void => {
		if (event.button !== 0) {
			return;
		}
		event.preventDefault();
		event.currentTarget.setPointerCapture(event.pointerId);
		const touched = event.target instanceof SVGCircleElement ? Number(event.target.dataset.index) : null;
		pressed.current = [touched, pressed.current[0]];
		if (touched !== null) {
			dragged.current = touched;
			(event.target as SVGCircleElement).focus();
			return;
		}
		const added = addPoint(curve, placeOf(event));
		dragged.current = added.index;
		set(added.curve);
	};
	const onPointerMove = (event: PointerEvent<SVGSVGElement>): void => {
		if (dragged.current !== null) {
			set(movePoint(curve, dragged.current, placeOf(event)));
		}
	};
	const stop = (): void => {
		dragged.current = null;
	};
	/** Comes to the curve, which has the pointer, and not to the point. */
	const onDoubleClick = (): void => {
		const [last, before] = pressed.current;
		if (last !== null && last === before) {
			set(removePoint(curve, last));
		}
	};
	const onKeyDown = (event: KeyboardEvent, index: number): void => {
		const [x, y] = curve.points[index] ?? [0, 0];
		const arrow = ARROWS[event.key];
		if (arrow !== undefined) {
			const far = event.shiftKey ? 10 : 1;
			set(movePoint(curve, index, [x + arrow[0] * far, y + arrow[1] * far]));
		} else if (event.key === 'Delete' || event.key === 'Backspace') {
			set(removePoint(curve, index));
		} else if (event.key === 'Enter' || event.key === '+') {
			const middle = (x + (curve.points[index + 1]?.[0] ?? curve.points[index - 1]?.[0] ?? x)) / 2;
			set(addPoint(curve, [middle, heightAt(curve, middle)]).curve);
		} else {
			return;
		}
		event.preventDefault();
		event.stopPropagation();
	};

	const testId = widgetTestId(node, input);
	return (
		<div className="curve nodrag" data-wrong={refused || undefined}>
			<svg
				viewBox={`-6 -6 ${WIDTH + 12} ${HEIGHT + 12}`}
				data-testid={testId}
				data-points={JSON.stringify(curve.points)}
				role="group"
				aria-label={t('curve.label', { label })}
				onPointerDown={onPointerDown}
				onPointerMove={onPointerMove}
				onPointerUp={stop}
				onPointerCancel={stop}
				onDoubleClick={onDoubleClick}
			>
				<path className="grid" d={GRID} />
				<path className="line" d={drawn(curve)} />
				{curve.points.map(([x, y], index) => (
					<circle
						key={index}
						data-index={index}
						data-testid={`${testId}-${index}`}
						cx={x * WIDTH}
						cy={(1 - y) * HEIGHT}
						r={5}
						tabIndex={0}
						role="slider"
						aria-label={t('curve.point', { number: index + 1 })}
						aria-valuemin={0}
						aria-valuemax={1}
						aria-valuenow={y}
						aria-valuetext={t('curve.place', { x, y })}
						data-tip={t('curve.place', { x, y })}
						onKeyDown={(event) => onKeyDown(event, index)}
					/>
				))}
			</svg>
			{typeof value === 'object' && (
				<label>
					<input
						type="checkbox"
						checked={curve.interpolation !== 'linear'}
						onChange={(event) => set({ ...curve, interpolation: event.target.checked ? 'monotone_cubic' : 'linear' })}
					/>
					{t('curve.smooth')}
				</label>
			)}
		</div>
	);
}

const GRID = [0.25, 0.5, 0.75]
	.map((part) => `M${part * WIDTH} 0V${HEIGHT}M0 ${part * HEIGHT}H${WIDTH}`)
	.concat(`M0 0H${WIDTH}V${HEIGHT}H0z`)
	.join('');

function drawn(curve: Curve): string {
	const places = Array.from({ length: SAMPLES + 1 }, (_, index) => index / SAMPLES);
	const xs = curve.interpolation === 'linear' ? [0, ...curve.points.map(([x]) => x), 1] : places;
	return `M${xs.map((x) => `${(x * WIDTH).toFixed(2)} ${((1 - heightAt(curve, x)) * HEIGHT).toFixed(2)}`).join('L')}`;
}

function placeOf(event: PointerEvent<SVGSVGElement>): CurvePoint {
	const box = event.currentTarget.getBoundingClientRect();
	const scale = (WIDTH + 12) / box.width;
	const x = (event.clientX - box.left) * scale - 6;
	const y = (event.clientY - box.top) * scale - 6;
	return [Math.max(0, Math.min(1, x / WIDTH)), Math.max(0, Math.min(1, 1 - y / HEIGHT))];
}
