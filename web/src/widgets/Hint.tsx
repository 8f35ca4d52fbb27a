export function Hint({ text }: { text: string | null }) {
	return text === null ? null : <div className="hint">{text}</div>;
}
