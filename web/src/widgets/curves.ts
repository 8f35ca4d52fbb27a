/** Curves through points: read from any of the forms that inputs have, drawn, changed, written back in the same form. */

import { widgetType } from '../graph/defaults';
import type { InputInfo } from '../graph/types';
import { isList, isObject, parseJson, type Json, type JsonObject } from '../json';

/** Across and up, both from 0 to 1. */
export type CurvePoint = readonly [number, number];
export type Interpolation = 'monotone_cubic' | 'linear';

export interface Curve {
	/** By x, at least two. */
	readonly points: readonly CurvePoint[];
	readonly interpolation: Interpolation;
}

const CLOSEST = 0.005;
const PLACES = 1000;

/** A type of its own, or text that says points. */
export function isCurve(input: InputInfo): boolean {
	return input.type === 'CURVE' || (input.options.display === 'curve' && widgetType(input) === 'STRING');
}

/** Null for what is no curve. */
export function readCurve(value: Json | undefined): Curve | null {
	if (typeof value === 'string') {
		return readCurve(parsed(value));
	}
	if (isObject(value)) {
		const inner = readCurve(value.points ?? value.__value__);
		return inner && { ...inner, interpolation: value.interpolation === 'linear' ? 'linear' : inner.interpolation };
	}
	if (!isList(value) || value.length < 2) {
		return null;
	}
	const points = value.map(pointOf);
	return points.every((point) => point !== null)
		? { points: points.toSorted((one, other) => one[0] - other[0]), interpolation: 'monotone_cubic' }
		: null;
}

/** In the form that `before` has: text, bare points, or an object whose other keys are kept. */
export function writeCurve(curve: Curve, before: Json | undefined): Json {
	const points = curve.points.map(([x, y]): Json => [x, y]);
	if (typeof before === 'string') {
		return `[${curve.points.map(([x, y]) => `[${x}, ${y}]`).join(', ')}]`;
	}
	const others: JsonObject = isObject(before) ? before : {};
	return isList(before) ? points : { ...others, points, interpolation: curve.interpolation };
}

/** The curve with one point elsewhere: between its neighbours, and inside of the square. */
export function movePoint({ points, ...rest }: Curve, index: number, [x, y]: CurvePoint): Curve {
	const least = (points[index - 1]?.[0] ?? -CLOSEST) + CLOSEST;
	const most = (points[index + 1]?.[0] ?? 1 + CLOSEST) - CLOSEST;
	const moved: CurvePoint = [rounded(Math.max(least, Math.min(most, x))), rounded(y)];
	return { ...rest, points: points.map((point, at) => (at === index ? moved : point)) };
}

/** The curve with one more point, and where that is in its list; as it was where two would be too close. */
export function addPoint(curve: Curve, [x, y]: CurvePoint): { readonly curve: Curve; readonly index: number } {
	const index = curve.points.findIndex((point) => point[0] > x);
	const at = index === -1 ? curve.points.length : index;
	if (curve.points.some((point) => Math.abs(point[0] - x) < CLOSEST)) {
		return { curve, index: Math.max(0, at - 1) };
	}
	return { curve: { ...curve, points: curve.points.toSpliced(at, 0, [rounded(x), rounded(y)]) }, index: at };
}

/** The curve without a point; two are always left. */
export function removePoint(curve: Curve, index: number): Curve {
	return curve.points.length > 2 ? { ...curve, points: curve.points.toSpliced(index, 1) } : curve;
}

/** The height at x. Cubic pieces that never overshoot (Fritsch and Carlson, 1980); level beyond the ends. */
export function heightAt({ points, interpolation }: Curve, x: number): number {
	const next = points.findIndex((point) => point[0] > x);
	const [x0, y0] = points[next === -1 ? points.length - 1 : Math.max(0, next - 1)] ?? [0, 0];
	const [x1, y1] = points[next] ?? [x0, y0];
	if (next <= 0) {
		return y0;
	}
	const width = x1 - x0;
	const part = (x - x0) / width;
	if (interpolation === 'linear') {
		return y0 + (y1 - y0) * part;
	}
	const slopes = tangents(points);
	const [from, to] = [slopes[next - 1] ?? 0, slopes[next] ?? 0];
	const [square, cube] = [part ** 2, part ** 3];
	return (
		(2 * cube - 3 * square + 1) * y0 +
		(cube - 2 * square + part) * width * from +
		(3 * square - 2 * cube) * y1 +
		(cube - square) * width * to
	);
}

function tangents(points: readonly CurvePoint[]): number[] {
	const secants = points.slice(1).map(([x, y], index) => {
		const [before, low] = points[index] ?? [0, 0];
		return (y - low) / (x - before);
	});
	const slopes = points.map((_point, index) => {
		const [left, right] = [secants[index - 1], secants[index]];
		if (left === undefined || right === undefined) {
			return left ?? right ?? 0;
		}
		return left * right <= 0 ? 0 : (left + right) / 2;
	});
	secants.forEach((secant, index) => {
		const [from, to] = [slopes[index] ?? 0, slopes[index + 1] ?? 0];
		const [a, b] = secant === 0 ? [0, 0] : [from / secant, to / secant];
		const length = Math.hypot(a, b);
		if (secant === 0 || length > 3) {
			slopes[index] = secant === 0 ? 0 : (3 * a * secant) / length;
			slopes[index + 1] = secant === 0 ? 0 : (3 * b * secant) / length;
		}
	});
	return slopes;
}

function pointOf(value: Json): CurvePoint | null {
	const [x, y] = isList(value) ? value : [];
	return typeof x === 'number' && typeof y === 'number' ? [x, y] : null;
}

function rounded(value: number): number {
	return Math.round(Math.max(0, Math.min(1, value)) * PLACES) / PLACES;
}

function parsed(text: string): Json | undefined {
	try {
		const value = parseJson(text);
		return typeof value === 'string' ? undefined : value;
	} catch {
		return undefined;
	}
}
