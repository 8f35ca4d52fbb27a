import { useEffect } from 'react';
import { closeMenu, useMenu } from './menu';

const WIDTH = 220;
const ROW = 32;

export function ContextMenu() {
	const { at, items } = useMenu();
	useEffect(() => {
		if (at === null) {
			return undefined;
		}
		const close = (event: Event): void => {
			if (!(event.target instanceof Element && event.target.closest('.context-menu') !== null)) {
				closeMenu();
			}
		};
		window.addEventListener('pointerdown', close, true);
		window.addEventListener('wheel', close, true);
		return () => {
			window.removeEventListener('pointerdown', close, true);
			window.removeEventListener('wheel', close, true);
		};
	}, [at]);

	if (at === null) {
		return null;
	}
	const left = Math.min(at.x, window.innerWidth - WIDTH - 8);
	const top = Math.min(at.y, window.innerHeight - items.length * ROW - 16);
	return (
		<div className="context-menu menu" role="menu" style={{ left, top, width: WIDTH }}>
			{items.map((item) => (
				<button
					key={item.text}
					type="button"
					role="menuitem"
					onClick={() => {
						closeMenu();
						item.act();
					}}
				>
					<span>{item.text}</span>
					{item.keys !== undefined && <kbd>{item.keys}</kbd>}
				</button>
			))}
		</div>
	);
}
