import { Slider } from '@base-ui/react/slider';
import { t } from '../i18n/i18n';
import { Icon, type IconName } from '../panels/icons';
import type { Painting } from './painting';
import { LARGEST_BRUSH, setTools, TOOLS, useTools } from './tools';

/** Pixels that one press of the button softens. */
export const SOFT_RADIUS = 4;

interface MaskToolsProps {
	readonly painting: Painting;
	readonly onZoom: (factor: number) => void;
	readonly onFit: () => void;
}

/** The tools beside the picture. */
export function MaskTools({ painting, onZoom, onFit }: MaskToolsProps) {
	const { tool, size, hardness, opacity, colour } = useTools();
	return (
		<div className="mask-tools" role="group" aria-label={t('mask.tools')}>
			<div className="mask-choice" role="radiogroup" aria-label={t('mask.tools')}>
				{TOOLS.map((one) => (
					<button
						key={one.tool}
						type="button"
						role="radio"
						aria-checked={one.tool === tool}
						data-testid={`mask-tool-${one.tool}`}
						onClick={() => setTools({ tool: one.tool })}
					>
						<Icon name={one.icon} />
						{t(`mask.tool.${one.tool}`)}
						<kbd>{one.key.toUpperCase()}</kbd>
					</button>
				))}
			</div>
			<Amount name="size" keys="[ ]" value={size} most={LARGEST_BRUSH} text={`${size} px`} onChange={(next) => setTools({ size: next })} />
			<Amount
				name="hardness"
				keys="{ }"
				value={Math.round(hardness * 100)}
				text={`${Math.round(hardness * 100)} %`}
				onChange={(next) => setTools({ hardness: next / 100 })}
			/>
			<Amount
				name="opacity"
				value={Math.round(opacity * 100)}
				text={`${Math.round(opacity * 100)} %`}
				onChange={(next) => setTools({ opacity: next / 100 })}
			/>
			<label className="mask-colour">
				{t('mask.colour')}
				<input type="color" value={colour} onChange={(event) => setTools({ colour: event.target.value })} />
			</label>
			<div className="mask-actions">
				<Action icon="undo" name={t('commands.undo')} id="undo" disabled={!painting.canUndo} act={() => painting.undo()} />
				<Action icon="redo" name={t('commands.redo')} id="redo" disabled={!painting.canRedo} act={() => painting.redo()} />
				<Action icon="invert" name={t('mask.invert')} id="invert" keys="I" act={() => painting.invert()} />
				<Action icon="drop" name={t('mask.softenAll')} id="soften" act={() => painting.soften(SOFT_RADIUS)} />
				<Action icon="trash" name={t('mask.clear')} id="clear" keys="Del" act={() => painting.clear()} />
			</div>
			<div className="mask-actions">
				<Action icon="minus" name={t('mask.zoomOut')} id="zoom-out" keys="-" act={() => onZoom(0.8)} />
				<Action icon="plus" name={t('mask.zoomIn')} id="zoom-in" keys="+" act={() => onZoom(1.25)} />
				<Action icon="fit" name={t('mask.fit')} id="fit" keys="0" act={onFit} />
			</div>
			<p className="faint">{t('mask.keys')}</p>
		</div>
	);
}

interface AmountProps {
	readonly name: 'size' | 'hardness' | 'opacity';
	readonly value: number;
	readonly most?: number;
	readonly text: string;
	readonly keys?: string;
	readonly onChange: (value: number) => void;
}

function Amount({ name, value, most = 100, text, keys, onChange }: AmountProps) {
	const title = t(`mask.${name}`);
	return (
		<div className="mask-amount">
			<span>
				{title}
				{keys !== undefined && <kbd>{keys}</kbd>}
				<output>{text}</output>
			</span>
			<Slider.Root value={value} min={name === 'size' ? 1 : 0} max={most} onValueChange={onChange}>
				<Slider.Control className="slider-control">
					<Slider.Track className="slider-track">
						<Slider.Indicator className="slider-filled" />
						<Slider.Thumb className="slider-thumb" aria-label={title} data-testid={`mask-${name}`} />
					</Slider.Track>
				</Slider.Control>
			</Slider.Root>
		</div>
	);
}

interface ActionProps {
	readonly icon: IconName;
	readonly name: string;
	readonly id: string;
	readonly keys?: string;
	readonly disabled?: boolean;
	readonly act: () => void;
}

function Action({ icon, name, id, keys, disabled = false, act }: ActionProps) {
	return (
		<button
			type="button"
			disabled={disabled}
			aria-label={name}
			data-tip={keys === undefined ? name : `${name} (${keys})`}
			data-testid={`mask-${id}`}
			onClick={act}
		>
			<Icon name={icon} />
		</button>
	);
}
