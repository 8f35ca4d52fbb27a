import { Switch } from '@base-ui/react/switch';
import { t } from '../i18n/i18n';
import { widgetTestId, type WidgetProps } from './types';

export function ToggleWidget({ node, input, value, label, onChange }: WidgetProps) {
	const on = value === true;
	const word = on ? input.options.label_on : input.options.label_off;
	return (
		<label className="toggle nodrag">
			<Switch.Root
				className="track"
				data-testid={widgetTestId(node, input)}
				aria-label={label}
				checked={on}
				onCheckedChange={onChange}
			>
				<Switch.Thumb className="knob" />
			</Switch.Root>
			<span>{typeof word === 'string' ? word : t(on ? 'widget.on' : 'widget.off')}</span>
		</label>
	);
}
