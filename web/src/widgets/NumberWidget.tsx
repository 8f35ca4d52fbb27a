import { useRef, useState, type KeyboardEvent, type PointerEvent } from 'react';
import { Icon, type IconName } from '../panels/icons';
import { Hint } from './Hint';
import { formatNumber, isSum, numberHint, readNumber, roundNumber, stepNumber } from './numbers';
import { widgetTestId, type WidgetProps } from './types';
import { t } from '../i18n/i18n';

const PIXELS_PER_STEP = 5;
const DRAG_THRESHOLD = 3;

/**
 * Drag sideways to change, click to type a number or arithmetic. What is typed is kept as typed, and marked when it is
 * out of range.
 */
export function NumberWidget({
	node,
	input,
	value,
	label,
	refused,
	onChange,
	steppers = true,
}: WidgetProps & { readonly steppers?: boolean }) {
	const [draft, setDraft] = useState<string | null>(null);
	const field = useRef<HTMLInputElement>(null);
	const scrub = useScrub(field, value, (from, steps) => onChange(stepNumber(from, steps, input)));
	const hint = numberHint(value, input);

	const sum = draft !== null && isSum(draft) ? t('widget.result', { value: formatNumber(value) }) : null;

	const type = (text: string): void => {
		setDraft(text);
		onChange(readNumber(text, input));
	};
	const commit = (): void => {
		if (draft !== null) {
			const rounded = roundNumber(readNumber(draft, input), input);
			setDraft(null);
			if (rounded !== value) {
				onChange(rounded);
			}
		}
	};
	const step = (steps: number): void => {
		setDraft(null);
		onChange(stepNumber(value, steps, input));
	};
	const onKeyDown = (event: KeyboardEvent<HTMLInputElement>): void => {
		if (event.key === 'ArrowUp' || event.key === 'ArrowDown') {
			event.preventDefault();
			step((event.key === 'ArrowUp' ? 1 : -1) * (event.shiftKey ? 10 : 1));
			// Typing now replaces the number, as it does after a click.
			requestAnimationFrame(() => field.current?.select());
		} else if (event.key === 'Enter') {
			commit();
			if (!event.ctrlKey && !event.metaKey) {
				requestAnimationFrame(() => field.current?.select());
			}
		}
	};

	return (
		<>
			<div className="number nodrag" data-wrong={hint !== null || refused || undefined}>
				{steppers && <Step label={t('widget.less', { label })} icon="minus" onClick={() => step(-1)} />}
				<input
					ref={field}
					data-testid={widgetTestId(node, input)}
					aria-label={label}
					aria-invalid={hint !== null || refused}
					inputMode="decimal"
					data-long={formatNumber(value).length > 15 || undefined}
					autoComplete="off"
					spellCheck={false}
					value={draft ?? formatNumber(value)}
					onChange={(event) => type(event.target.value)}
					onFocus={() => setDraft(formatNumber(value))}
					onBlur={commit}
					onKeyDown={onKeyDown}
					{...scrub}
				/>
				{steppers && <Step label={t('widget.more', { label })} icon="plus" onClick={() => step(1)} />}
			</div>
			{hint === null && sum !== null ? <Hint text={sum} calm /> : <Hint text={hint} />}
		</>
	);
}

function Step({ label, icon, onClick }: { label: string; icon: IconName; onClick: () => void }) {
	return (
		<button type="button" className="step" tabIndex={-1} aria-label={label} onClick={onClick}>
			<Icon name={icon} />
		</button>
	);
}

function useScrub(
	field: React.RefObject<HTMLInputElement | null>,
	value: WidgetProps['value'],
	move: (from: WidgetProps['value'], steps: number) => void,
) {
	const start = useRef<{ x: number; value: WidgetProps['value']; moved: boolean } | null>(null);
	return {
		onPointerDown: (event: PointerEvent<HTMLInputElement>): void => {
			if (event.button === 0 && document.activeElement !== event.currentTarget) {
				event.preventDefault();
				event.currentTarget.setPointerCapture(event.pointerId);
				start.current = { x: event.clientX, value, moved: false };
			}
		},
		onPointerMove: (event: PointerEvent<HTMLInputElement>): void => {
			const from = start.current;
			if (from === null) {
				return;
			}
			const distance = event.clientX - from.x;
			from.moved ||= Math.abs(distance) > DRAG_THRESHOLD;
			if (from.moved) {
				move(from.value, Math.trunc(distance / PIXELS_PER_STEP) * (event.shiftKey ? 10 : 1));
			}
		},
		onPointerUp: (): void => {
			if (start.current !== null && !start.current.moved) {
				field.current?.focus();
				field.current?.select();
			}
			start.current = null;
		},
		onPointerCancel: (): void => {
			start.current = null;
		},
	};
}
