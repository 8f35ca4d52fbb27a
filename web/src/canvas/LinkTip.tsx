import { useEffect, useState } from 'react';
import { useConnecting, type Loose } from './connecting';
import type { Point } from './view';
import { socketOf, whyNot } from './why';

const GAP = 16;

/** While a link is drawn: why it does not fit where the pointer is. */
export function LinkTip() {
	const loose = useConnecting((state) => state.loose);
	return loose === null ? null : <Watching loose={loose} />;
}

function Watching({ loose }: { loose: Loose }) {
	const [shown, setShown] = useState<{ readonly at: Point; readonly text: string } | null>(null);
	useEffect(() => {
		const look = ({ clientX, clientY }: PointerEvent): void => {
			const to = socketOf(document.elementFromPoint(clientX, clientY));
			const own = to?.nodeId === loose.node && to.id === loose.handle;
			const text = to === null || own ? null : whyNot({ nodeId: loose.node, id: loose.handle, type: loose.side }, to);
			setShown(text === null ? null : { text, at: { x: clientX, y: clientY } });
		};
		window.addEventListener('pointermove', look);
		return () => window.removeEventListener('pointermove', look);
	}, [loose]);
	return shown === null ? null : (
		<div
			className="tooltip link-tip"
			role="status"
			data-testid="link-tip"
			style={{ left: Math.min(shown.at.x + GAP, window.innerWidth - 280), top: shown.at.y + GAP }}
		>
			{shown.text}
		</div>
	);
}
