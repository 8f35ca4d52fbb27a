import { Component, type ComponentType, type ReactNode } from 'react';
import { JsonWidget } from './JsonWidget';
import type { WidgetProps } from './types';

interface Props extends WidgetProps {
	readonly widget: ComponentType<WidgetProps>;
}

/** Draws a plugin's widget; where that fails, the value can still be edited as JSON. */
class Guard extends Component<Props, { readonly failed: boolean }> {
	override state = { failed: false };

	static getDerivedStateFromError(): { readonly failed: boolean } {
		return { failed: true };
	}

	override render(): ReactNode {
		const { widget: Widget, ...rest } = this.props;
		return this.state.failed ? <JsonWidget {...rest} /> : <Widget {...rest} />;
	}
}

export function guarded(widget: ComponentType<WidgetProps>): ComponentType<WidgetProps> {
	return (props) => <Guard {...props} widget={widget} />;
}
