import { randomSeed, SEED_MODES, seedMode, setSeedMode, type SeedMode } from '../graph/seeds';
import { editGraph, useNode } from '../graph/store';
import { Icon } from '../panels/icons';
import { NumberWidget } from './NumberWidget';
import { widgetTestId, type WidgetProps } from './types';

const LABELS: Record<SeedMode, { text: string; tip: string }> = {
	fixed: { text: 'Fixed', tip: 'Every run uses this seed.' },
	randomise: { text: 'Random', tip: 'Every run draws a new seed. The one shown made the latest picture.' },
	increment: { text: '+1', tip: 'Every run after the first adds one.' },
};

export function SeedWidget(props: WidgetProps) {
	const { node, input, label, onChange } = props;
	const current = useNode(node);
	const mode = current === undefined ? 'fixed' : seedMode(current, input.name);
	return (
		<>
			<NumberWidget {...props} steppers={false} />
			<div className="seed nodrag" role="radiogroup" aria-label={`${label} between runs`}>
				{SEED_MODES.map((choice) => (
					<button
						key={choice}
						type="button"
						role="radio"
						aria-checked={choice === mode}
						data-tip={LABELS[choice].tip}
						data-testid={`${widgetTestId(node, input)}-${choice}`}
						onClick={() => editGraph((graph) => setSeedMode(graph, node, input.name, choice))}
					>
						{LABELS[choice].text}
					</button>
				))}
				<button
					type="button"
					className="dice"
					aria-label={`New ${label}`}
					data-tip="Draw a new seed now"
					onClick={() => onChange(randomSeed())}
				>
					<Icon name="dice" />
				</button>
			</div>
		</>
	);
}
