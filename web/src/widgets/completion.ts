/** Names that a prompt can be completed with while it is typed: `embedding:name`, `<lora:name:1>`. */

export interface Completion {
	/** What of the text is replaced, and by what. */
	readonly from: number;
	readonly to: number;
	readonly choices: readonly string[];
	/** Names are asked for by `embedding:` or `<lora:`; a word without either may be meant as it stands. */
	readonly marked: boolean;
	readonly write: (choice: string) => string;
}

export interface PromptNames {
	readonly embeddings: readonly string[];
	readonly loras: readonly string[];
}

const EMBEDDING = 'embedding:';
const LORA = '<lora:';
const MOST = 50;
/** So few letters fit too many names. */
const LEAST_LETTERS = 2;
const ENDING = /\.(safetensors|sft|ckpt|pt|pth|bin|gguf)$/i;
const TYPED = /(?:<lora:|embedding:)?[^\s,()<>:|]*$/i;

/** What may be meant by what stands before the caret, or null. */
export function completionAt(text: string, caret: number, names: PromptNames): Completion | null {
	const typed = TYPED.exec(text.slice(0, caret))?.[0] ?? '';
	const from = caret - typed.length;
	const small = typed.toLowerCase();
	const rest = /^[^\s,()<>:|]*/.exec(text.slice(caret))?.[0].length ?? 0;
	const found = (list: readonly string[], part: string): string[] => {
		const plain = [...new Set(list.map((name) => name.replace(ENDING, '')))];
		const fits = plain.filter((name) => name.toLowerCase().includes(part));
		const first = (name: string): number => Number(!name.toLowerCase().startsWith(part));
		return fits.sort((one, other) => first(one) - first(other) || one.localeCompare(other)).slice(0, MOST);
	};
	if (small.startsWith(LORA)) {
		const write = (name: string): string => `${LORA}${name}:1>`;
		return some({ from, to: caret + rest, choices: found(names.loras, small.slice(LORA.length)), marked: true, write });
	}
	const marked = small.startsWith(EMBEDDING);
	const part = marked ? small.slice(EMBEDDING.length) : small;
	if (!marked && part.length < LEAST_LETTERS) {
		return null;
	}
	const write = (name: string): string => `${EMBEDDING}${name}`;
	return some({ from, to: caret + rest, choices: found(names.embeddings, part), marked, write });
}

/** The choice that Enter takes: where the arrows went, or else the first of those that were asked for; null: none. */
export function chosen({ marked }: Completion, at: number | null): number | null {
	return at ?? (marked ? 0 : null);
}

/** The choice after an arrow, round the ends. */
export function stepped({ choices, marked }: Completion, at: number | null, by: 1 | -1): number {
	const from = at ?? (marked || by < 0 ? 0 : -1);
	return (from + by + choices.length) % choices.length;
}

function some(completion: Completion): Completion | null {
	return completion.choices.length === 0 ? null : completion;
}
