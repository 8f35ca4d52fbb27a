import { useRef, useState, type DragEvent } from 'react';
import { fetchKinds, inputPictureUrl, uploadImage } from '../api/http';
import { useKinds } from '../graph/kinds';
import type { InputInfo } from '../graph/types';
import { Icon } from '../panels/icons';
import { tell } from '../run/submit';
import { ChoiceWidget } from './ChoiceWidget';
import { widgetTestId, type WidgetProps } from './types';
import { t } from '../i18n/i18n';

/** A list of the server's input files, with a way to add one. */
export function UploadWidget(props: WidgetProps) {
	const { node, input, value, label, onChange } = props;
	const [busy, setBusy] = useState(false);
	const [broken, setBroken] = useState('');
	const picker = useRef<HTMLInputElement>(null);
	const name = typeof value === 'string' ? value : '';

	const upload = async (file: File | undefined): Promise<void> => {
		if (file === undefined) {
			return;
		}
		setBusy(true);
		await tell(async () => {
			onChange(await uploadImage(file));
			setBroken('');
			useKinds.getState().set(await fetchKinds());
		});
		setBusy(false);
	};
	const onDrop = (event: DragEvent): void => {
		const file = [...event.dataTransfer.files].find((candidate) => candidate.type.startsWith('image/'));
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
					accept="image/*"
					hidden
					data-testid={`${widgetTestId(node, input)}-file`}
					onChange={(event) => {
						void upload(event.target.files?.[0]);
						event.target.value = '';
					}}
				/>
			</div>
			{name !== '' && name !== broken && isThere(input, name) && (
				<img
					className="thumbnail"
					src={inputPictureUrl(name)}
					alt={name}
					draggable={false}
					onError={() => setBroken(name)}
				/>
			)}
		</div>
	);
}

/** Asking for a file the server does not list would only leave an error in the browser's console. */
function isThere(input: InputInfo, name: string): boolean {
	return input.choices?.includes(name) === true || / \[(input|output|temp)\]$/.test(name);
}
