import { useContext, useRef, useState, type DragEvent } from 'react';
import { inputPictureUrl } from '../api/http';
import { t } from '../i18n/i18n';
import type { InputInfo } from '../graph/types';
import { MaskOpener } from '../mask/opening';
import { Icon } from '../panels/icons';
import { readFilesAnew, uploadFor } from '../panels/pictures';
import { tell } from '../run/submit';
import { ChoiceWidget } from './ChoiceWidget';
import { widgetTestId, type WidgetProps } from './types';
import { ACCEPTED, takes, uploadOf } from './uploads';

/** A list of the server's input files, with a way to add one, and to mask a picture. */
export function UploadWidget(props: WidgetProps) {
	const { node, input, value, label, onChange } = props;
	const [busy, setBusy] = useState(false);
	const [broken, setBroken] = useState('');
	const openMask = useContext(MaskOpener);
	const picker = useRef<HTMLInputElement>(null);
	const kind = uploadOf(input) ?? 'image';
	const name = typeof value === 'string' ? value : '';
	const shown = kind === 'image' && name !== '' && name !== broken && isThere(input, name);
	const testId = widgetTestId(node, input);

	const upload = async (file: File | undefined): Promise<void> => {
		if (file === undefined) {
			return;
		}
		setBusy(true);
		await tell(() =>
			uploadFor(file, (uploaded) => {
				onChange(uploaded);
				setBroken('');
			}),
		);
		await readFilesAnew();
		setBusy(false);
	};
	const onDrop = (event: DragEvent): void => {
		const file = [...event.dataTransfer.files].find((candidate) => takes(kind, candidate));
		if (file !== undefined) {
			event.preventDefault();
			event.stopPropagation();
			void upload(file);
		}
	};

	return (
		<div className="upload" onDragOver={(event) => event.preventDefault()} onDrop={onDrop}>
			<div className="upload-row">
				<div>
					<ChoiceWidget {...props} />
				</div>
				<button
					type="button"
					className="nodrag"
					disabled={busy}
					onClick={() => picker.current?.click()}
					aria-label={t('widget.uploadFor', { label })}
				>
					<Icon name="upload" />
					{busy ? t('widget.uploading') : t('widget.upload')}
				</button>
				<input
					ref={picker}
					type="file"
					accept={ACCEPTED[kind]}
					hidden
					data-testid={`${testId}-file`}
					onChange={(event) => {
						void upload(event.target.files?.[0]);
						event.target.value = '';
					}}
				/>
			</div>
			{shown && (
				<div className="thumbnail-box">
					<img
						className="thumbnail"
						src={inputPictureUrl(name)}
						alt={name}
						draggable={false}
						onError={() => setBroken(name)}
					/>
					<button
						type="button"
						className="nodrag"
						data-testid={`${testId}-mask`}
						aria-label={t('mask.openFor', { label })}
						onClick={() => openMask({ picture: name, give: onChange })}
					>
						<Icon name="brush" />
						{t('mask.open')}
					</button>
				</div>
			)}
		</div>
	);
}

/** Asking for a file the server does not list would only leave an error in the browser's console. */
function isThere(input: InputInfo, name: string): boolean {
	return input.choices?.includes(name) === true || / \[(input|output|temp)\]$/.test(name);
}
