import { useStoreApi } from '@xyflow/react';
import { useEffect, useRef } from 'react';
import type { FlowEdge, FlowNode } from './flow';

const GAP = 24;
const RADIUS = 0.7;

/** The dots of the ground. They are drawn when the zoom changes; when the view moves, the browser only shifts them. */
export function Dots() {
	const ground = useRef<HTMLDivElement>(null);
	const store = useStoreApi<FlowNode, FlowEdge>();
	useEffect(() => {
		let drawnAt = 0;
		const follow = (): void => {
			const element = ground.current;
			const [x, y, zoom] = store.getState().transform;
			const gap = GAP * zoom;
			if (element === null) {
				return;
			}
			if (zoom !== drawnAt) {
				drawnAt = zoom;
				const radius = RADIUS * zoom;
				element.style.inset = `${-Math.ceil(gap)}px`;
				element.style.backgroundSize = `${gap}px ${gap}px`;
				element.style.backgroundImage = `radial-gradient(circle, var(--dots) ${radius}px, transparent ${radius + 0.5}px)`;
			}
			element.style.transform = `translate(${Math.round((x % gap) - gap / 2)}px, ${Math.round((y % gap) - gap / 2)}px)`;
		};
		follow();
		return store.subscribe((state, before) => {
			if (state.transform !== before.transform) {
				follow();
			}
		});
	}, [store]);
	return (
		<div className="dots" aria-hidden="true">
			<div ref={ground} />
		</div>
	);
}
