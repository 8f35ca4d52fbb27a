import { useEffect, useLayoutEffect, useRef, useState } from 'react';

const DELAY_MS = 450;
const GAP = 8;

interface Shown {
	readonly text: string;
	readonly box: DOMRect;
}

/** One tooltip for the whole page: whatever bears `data-tip`. */
export function Tooltips() {
	const [shown, setShown] = useState<Shown | null>(null);
	useEffect(() => {
		let timer: ReturnType<typeof setTimeout> | undefined;
		let over: Element | null = null;
		const leave = (): void => {
			clearTimeout(timer);
			over = null;
			setShown(null);
		};
		const enter = (event: PointerEvent): void => {
			const target = event.target instanceof Element ? event.target.closest('[data-tip]') : null;
			if (target === over) {
				return;
			}
			leave();
			const text = target?.getAttribute('data-tip') ?? '';
			if (target !== null && text !== '' && event.buttons === 0) {
				over = target;
				timer = setTimeout(() => setShown({ text, box: target.getBoundingClientRect() }), DELAY_MS);
			}
		};
		window.addEventListener('pointerover', enter);
		window.addEventListener('pointerdown', leave, true);
		window.addEventListener('wheel', leave, { capture: true, passive: true });
		window.addEventListener('keydown', leave, true);
		return () => {
			leave();
			window.removeEventListener('pointerover', enter);
			window.removeEventListener('pointerdown', leave, true);
			window.removeEventListener('wheel', leave, { capture: true });
			window.removeEventListener('keydown', leave, true);
		};
	}, []);
	return shown === null ? null : <Tooltip {...shown} />;
}

function Tooltip({ text, box }: Shown) {
	const element = useRef<HTMLDivElement>(null);
	const [place, setPlace] = useState({ left: -9999, top: 0 });
	useLayoutEffect(() => {
		const { width = 0, height = 0 } = element.current?.getBoundingClientRect() ?? {};
		const below = box.bottom + GAP + height < window.innerHeight;
		setPlace({
			left: Math.max(GAP, Math.min(box.left, window.innerWidth - width - GAP)),
			top: below ? box.bottom + GAP : box.top - GAP - height,
		});
	}, [box, text]);
	const [title, ...rest] = text.split('\n');
	return (
		<div ref={element} className="tooltip" role="tooltip" style={place}>
			{rest.length > 0 ? <strong>{title}</strong> : title}
			{rest.map((line, index) => (
				<p key={index}>{line}</p>
			))}
		</div>
	);
}
