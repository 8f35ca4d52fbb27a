import { randomSeed, SEED_MODES, seedMode, setSeedMode } from '../graph/seeds';
import { editGraph, useNode } from '../graph/store';
import { t } from '../i18n/i18n';
import { Icon } from '../panels/icons';
import { NumberWidget } from './NumberWidget';
import { widgetTestId, type WidgetProps } from './types';

export function SeedWidget(props: WidgetProps) {
	const { node, input, label, onChange } = props;
	const current = useNode(node);
	const mode = current === undefined ? 'fixed' : seedMode(current, input.name);
	return (
		<>
			<NumberWidget {...props} steppers={false} />
			<div className="seed nodrag" role="radiogroup" aria-label={t('seed.label', { label })}>
				{SEED_MODES.map((choice) => (
					<button
						key={choice}
						type="button"
						role="radio"
						aria-checked={choice === mode}
						data-tip={t(`seed.tips.${choice}`)}
						data-testid={`${widgetTestId(node, input)}-${choice}`}
						onClick={() => editGraph((graph) => setSeedMode(graph, node, input.name, choice))}
					>
						{t(`seed.modes.${choice}`)}
					</button>
				))}
				<button
					type="button"
					className="dice"
					aria-label={t('seed.draw')}
					data-tip={t('seed.draw')}
					onClick={() => onChange(randomSeed())}
				>
					<Icon name="dice" />
				</button>
			</div>
		</>
	);
}
