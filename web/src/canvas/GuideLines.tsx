import { ViewportPortal } from '@xyflow/react';
import { useGuides } from './guiding';

const LONG = 100_000;

export function GuideLines() {
	const { x, y } = useGuides();
	return (
		<ViewportPortal>
			{x !== null && <i className="guide" data-testid="guide" style={{ left: x, top: -LONG, width: 0, height: 2 * LONG }} />}
			{y !== null && <i className="guide" data-testid="guide" style={{ top: y, left: -LONG, height: 0, width: 2 * LONG }} />}
		</ViewportPortal>
	);
}
