export function Hint({ text, calm = false }: { text: string | null; calm?: boolean }) {
	return text === null ? null : (
		<div className="hint" data-calm={calm || undefined}>
			{text}
		</div>
	);
}
