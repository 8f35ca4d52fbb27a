import { Slider } from '@base-ui/react/slider';
import { widgetType } from '../graph/defaults';
import type { InputInfo } from '../graph/types';
import { NumberWidget } from './NumberWidget';
import { isNumeric, stepNumber } from './numbers';
import { widgetTestId, type WidgetProps } from './types';

const STEPS = 100;

/** A number between two bounds that is known: dragged along its range, or typed beside it. */
export function SliderWidget(props: WidgetProps) {
	const { node, input, value, label, onChange } = props;
	const { min, max, step } = range(input);
	const at = isNumeric(value) ? Math.min(max, Math.max(min, Number(value))) : min;
	return (
		<div className="slider nodrag">
			<Slider.Root
				value={at}
				min={min}
				max={max}
				step={step}
				// The number is made as stepping makes it: without the noise of binary fractions.
				onValueChange={(next) => onChange(stepNumber(min, Math.round((next - min) / step), stepping(input, step)))}
			>
				<Slider.Control className="slider-control">
					<Slider.Track className="slider-track">
						<Slider.Indicator className="slider-filled" />
						<Slider.Thumb
							className="slider-thumb"
							aria-label={label}
							data-testid={`${widgetTestId(node, input)}-slider`}
						/>
					</Slider.Track>
				</Slider.Control>
			</Slider.Root>
			<div>
				<NumberWidget {...props} steppers={false} />
			</div>
		</div>
	);
}

/** Whether both ends of a number's range are known. */
export function hasRange(input: InputInfo): boolean {
	const { min, max } = input.options;
	return typeof min === 'number' && typeof max === 'number' && min < max;
}

function range(input: InputInfo): { readonly min: number; readonly max: number; readonly step: number } {
	const { min, max, step } = input.options;
	const [low, high] = [Number(min), Number(max)];
	if (typeof step === 'number' && step > 0) {
		return { min: low, max: high, step };
	}
	return { min: low, max: high, step: widgetType(input) === 'INT' ? 1 : (high - low) / STEPS };
}

function stepping(input: InputInfo, step: number): InputInfo {
	return input.options.step === step ? input : { ...input, options: { ...input.options, step } };
}
