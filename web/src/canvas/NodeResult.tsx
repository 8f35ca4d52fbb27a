import { pictureUrl } from '../api/http';
import type { NodeId } from '../graph/types';
import { openLightbox } from '../panels/lightbox';
import { useNodePreview, useNodeResult } from '../run/inside';
import { t } from '../i18n/i18n';

/** The live preview while the node runs; what it made after that. */
export function NodeResult({ id }: { id: NodeId }) {
	const preview = useNodePreview(id);
	const result = useNodeResult(id);
	if (preview !== undefined) {
		return (
			<figure className="result">
				<img
					className="preview"
					data-testid={`preview-${id}`}
					src={preview}
					alt={t('node.preview')}
					draggable={false}
				/>
			</figure>
		);
	}
	if (result === undefined) {
		return null;
	}
	const shots = result.pictures.map((picture) => ({ picture, version: result.version, url: pictureUrl(picture, result.version) }));
	return (
		<figure className="result nodrag" data-many={shots.length > 1 || undefined}>
			{shots.map(({ picture, url }, index) => (
				<button
					key={url}
					type="button"
					aria-label={t('picture.enlarge', { name: picture.filename })}
					onClick={() => openLightbox(shots, index)}
				>
					<img data-testid={`image-${id}`} src={url} alt={picture.filename} draggable={false} />
				</button>
			))}
			{result.texts.map((text, index) => (
				<pre key={index} className="nowheel" data-testid={`text-${id}`}>
					{text}
				</pre>
			))}
		</figure>
	);
}
