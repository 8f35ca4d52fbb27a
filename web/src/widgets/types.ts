import type { Json } from '../json';
import type { InputInfo, NodeId } from '../graph/types';

export interface WidgetProps {
	readonly node: NodeId;
	readonly input: InputInfo;
	/** Undefined when the file leaves the input out: the default is shown in its place. */
	readonly value: Json | undefined;
	readonly label: string;
	/** The server has refused this value. */
	readonly refused: boolean;
	readonly onChange: (value: Json) => void;
}

export function widgetTestId(node: NodeId, input: InputInfo): string {
	return `widget-${node}-${input.name}`;
}
