import { useCallback, useEffect, useMemo, useReducer, useRef, useState, type KeyboardEvent } from 'react';
import '../styles/mask.css';
import { uploadMask } from '../api/http';
import type { DialogProps } from '../commands/Dialogs';
import { t } from '../i18n/i18n';
import { showToast } from '../panels/toasts';
import { tell } from '../run/submit';
import { Modal } from '../ui/Modal';
import { MaskStage } from './MaskStage';
import { MaskTools } from './MaskTools';
import { useMasked, type Masked } from './opening';
import { Painting } from './painting';
import { colourUrl, LARGEST, maskFile, readMask } from './pixels';
import type { Area, Raster } from './raster';
import { hardenBrush, resizeBrush, setTools, TOOLS } from './tools';
import { fitted, zoomed, type View } from './view';

interface MaskEditorProps extends DialogProps {
	/** Where it lies over another dialog; else it is about what `openMask` was told. */
	readonly over?: Masked;
}

/** Paints a mask over the picture of an input, and gives the input the picture with that mask. */
export default function MaskEditor({ onClose, over }: MaskEditorProps) {
	const opened = useMasked((state) => state.masked);
	const masked = over ?? opened;
	const [raster, setRaster] = useState<Raster | null>(null);
	const fail = useCallback(
		(message: string): void => {
			showToast('error', message);
			onClose();
		},
		[onClose],
	);
	useEffect(() => {
		if (masked !== null) {
			readMask(masked.picture).then(
				(found) =>
					found.data.length > LARGEST ? fail(t('mask.tooLarge', { most: LARGEST / 1_000_000 })) : setRaster(found),
				() => fail(t('mask.broken')),
			);
		}
	}, [masked, fail]);
	return masked === null || raster === null ? null : (
		<Desk masked={masked} raster={raster} onClose={onClose} onBroken={() => fail(t('mask.broken'))} />
	);
}

interface DeskProps extends DialogProps {
	readonly masked: Masked;
	readonly raster: Raster;
	readonly onBroken: () => void;
}

function Desk({ masked, raster, onClose, onBroken }: DeskProps) {
	const [, redraw] = useReducer((count: number) => count + 1, 0);
	const draw = useRef<(area?: Area) => void>(() => undefined);
	const painting = useMemo(() => new Painting(raster, (area) => draw.current(area), redraw), [raster]);
	const stage = useRef<HTMLDivElement>(null);
	const [view, setView] = useState<View>({ x: 0, y: 0, zoom: 1 });
	const [leaving, setLeaving] = useState(false);
	const [saving, setSaving] = useState(false);
	const onCanvas = useCallback((next: (area?: Area) => void): void => {
		draw.current = next;
	}, []);

	const sizeOf = (): { width: number; height: number } => ({
		width: stage.current?.clientWidth ?? 0,
		height: stage.current?.clientHeight ?? 0,
	});
	const fit = useCallback((): void => setView(fitted(sizeOf(), raster)), [raster]);
	const zoom = (factor: number): void => {
		const { width, height } = sizeOf();
		setView((before) => zoomed(before, { x: width / 2, y: height / 2 }, factor));
	};
	const leave = (): void => (painting.isChanged ? setLeaving(true) : onClose());
	const save = async (): Promise<void> => {
		setSaving(true);
		const done = await tell(async () => {
			masked.give(await uploadMask(await maskFile(raster, masked.picture), masked.picture));
		});
		setSaving(false);
		if (done) {
			onClose();
		}
	};

	const onKeyDown = (event: KeyboardEvent): void => {
		const act = event.ctrlKey || event.metaKey ? heldKey(event) : plainKey(event);
		if (act !== undefined && !(event.target instanceof HTMLInputElement && event.target.type === 'text')) {
			event.preventDefault();
			event.stopPropagation();
			act();
		}
	};
	const heldKey = (event: KeyboardEvent): (() => void) | undefined => {
		switch (event.key.toLowerCase()) {
			case 'z':
				return () => (event.shiftKey ? painting.redo() : painting.undo());
			case 'y':
				return () => painting.redo();
			case 's':
			case 'enter':
				return () => void save();
			default:
				return undefined;
		}
	};
	const plainKey = (event: KeyboardEvent): (() => void) | undefined => {
		const tool = TOOLS.find(({ key }) => key === event.key.toLowerCase())?.tool;
		if (tool !== undefined) {
			return () => setTools({ tool });
		}
		return {
			'[': () => resizeBrush(false),
			']': () => resizeBrush(true),
			'{': () => hardenBrush(false),
			'}': () => hardenBrush(true),
			i: () => painting.invert(),
			Delete: () => painting.clear(),
			'+': () => zoom(1.25),
			'=': () => zoom(1.25),
			'-': () => zoom(0.8),
			'0': fit,
		}[event.key];
	};

	return (
		<Modal title={t('mask.title')} onClose={leave} className="mask-editor">
			<div className="mask-desk" data-testid="mask-editor" onKeyDown={onKeyDown}>
				<MaskStage
					painting={painting}
					picture={colourUrl(masked.picture)}
					view={view}
					onView={setView}
					stage={stage}
					onCanvas={onCanvas}
					onReady={fit}
					onBroken={onBroken}
				/>
				<MaskTools painting={painting} onZoom={zoom} onFit={fit} />
			</div>
			<footer className="modal-foot">
				{leaving ? (
					<>
						<span role="alert">{t('mask.lost')}</span>
						<button type="button" data-testid="mask-discard" onClick={onClose}>
							{t('mask.discard')}
						</button>
						<button type="button" className="primary" autoFocus onClick={() => setLeaving(false)}>
							{t('mask.keep')}
						</button>
					</>
				) : (
					<>
						<button type="button" onClick={leave}>
							{t('common.cancel')}
						</button>
						<button
							type="button"
							className="primary"
							data-testid="mask-save"
							disabled={saving}
							onClick={() => void save()}
						>
							{t(saving ? 'mask.saving' : 'mask.save')}
						</button>
					</>
				)}
			</footer>
		</Modal>
	);
}
