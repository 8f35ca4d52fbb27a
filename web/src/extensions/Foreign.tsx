import { useEffect, useRef, useState } from 'react';
import { JsonWidget } from '../widgets/JsonWidget';
import { widgetTestId, type WidgetProps } from '../widgets/types';
import type { ExtensionPanel, ExtensionWidget, ShownWidget } from './api';
import type { Guard } from './make';

interface ForeignWidgetProps extends WidgetProps {
	readonly widget: ExtensionWidget;
	readonly guard: Guard;
}

/** An element of the page that a widget of an extension draws into. Where it cannot, the value is edited as JSON. */
export function ForeignWidget({ widget, guard, ...props }: ForeignWidgetProps) {
	const { node, input, label, value, onChange } = props;
	const [failed, setFailed] = useState(false);
	const place = useRef<HTMLDivElement>(null);
	const shown = useRef<ShownWidget | undefined>(undefined);
	// The element lives as long as the input; its value is told, and what it changes goes to the newest listener.
	const latest = useRef({ widget, value, label, onChange });
	latest.current = { widget, value, label, onChange };
	useEffect(() => {
		const element = place.current;
		if (element !== null) {
			const change: WidgetProps['onChange'] = (next) => latest.current.onChange(next);
			const context = { node, input, change, label: latest.current.label, value: latest.current.value };
			const mounted = guard<ShownWidget | undefined | null>(() => latest.current.widget.mount(element, context), null);
			shown.current = mounted ?? undefined;
			setFailed(mounted === null);
		}
		return () => {
			guard(() => shown.current?.destroy?.(), undefined);
			shown.current = undefined;
			element?.replaceChildren();
		};
	}, [node, input, guard]);
	useEffect(() => {
		guard(() => shown.current?.update?.(value), undefined);
	}, [value, guard]);
	return failed ? <JsonWidget {...props} /> : <div ref={place} className="foreign-widget nodrag nowheel" data-testid={widgetTestId(node, input)} />;
}

/** An element of the dock that a panel of an extension draws into. */
export function ForeignPanel({ mount, guard }: { mount: ExtensionPanel['mount']; guard: Guard }) {
	const place = useRef<HTMLDivElement>(null);
	useEffect(() => {
		const element = place.current;
		const end = element === null ? undefined : guard(() => mount(element), undefined);
		return () => {
			guard(() => end?.(), undefined);
			element?.replaceChildren();
		};
	}, [mount, guard]);
	return <div ref={place} className="inspect foreign-panel" />;
}
