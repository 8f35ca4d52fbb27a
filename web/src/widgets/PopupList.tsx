import { useEffect, useRef, type ReactNode } from 'react';
import { createPortal } from 'react-dom';
import { t } from '../i18n/i18n';

const LIST_HEIGHT = 280;

interface PopupListProps {
	readonly id: string;
	/** Beside what it stands. */
	readonly field: React.RefObject<HTMLElement | null>;
	readonly label: string;
	readonly choices: readonly string[];
	/** The one that Enter takes; null: none. */
	readonly at: number | null;
	/** The one that holds now. */
	readonly current: string;
	readonly onPick: (choice: string) => void;
	readonly onClose: () => void;
	/** What is shown of a choice; its text, if nothing is said. */
	readonly row?: ((choice: string) => ReactNode) | undefined;
}

/** The list that opens below a field, or above it where there is no room. */
export function PopupList({ id, field, label, choices, at, current, onPick, onClose, row }: PopupListProps) {
	const list = useRef<HTMLUListElement>(null);
	useEffect(() => {
		list.current?.children[at ?? 0]?.scrollIntoView({ block: 'nearest' });
	}, [at]);
	useEffect(() => {
		const close = (event: Event): void => {
			if (!(event.target instanceof Element && list.current?.contains(event.target) === true)) {
				onClose();
			}
		};
		window.addEventListener('wheel', close, { capture: true, passive: true });
		return () => window.removeEventListener('wheel', close, { capture: true });
	}, [onClose]);

	const box = field.current?.getBoundingClientRect();
	if (box === undefined) {
		return null;
	}
	const below = window.innerHeight - box.bottom > LIST_HEIGHT || box.top < LIST_HEIGHT;
	const place = below ? { top: box.bottom + 4 } : { bottom: window.innerHeight - box.top + 4 };
	return createPortal(
		<ul
			ref={list}
			id={id}
			role="listbox"
			aria-label={label}
			className="choices"
			style={{ ...place, left: box.left, minWidth: Math.max(180, box.width), maxHeight: LIST_HEIGHT }}
			// Keeps the field focused, so that its blur does not close the list before the click lands.
			onPointerDown={(event) => event.preventDefault()}
		>
			{choices.map((choice, index) => (
				<li
					key={choice}
					id={`${id}-${index}`}
					role="option"
					aria-selected={choice === current}
					data-at={index === at || undefined}
					onClick={() => onPick(choice)}
				>
					{row?.(choice) ?? choice}
				</li>
			))}
			{choices.length === 0 && <li className="none">{t('common.nothing')}</li>}
		</ul>,
		document.body,
	);
}
