/** Arithmetic typed into a number field, such as `512*1.5` or `=1024-64`. Whole numbers stay exact beyond 2^53. */

type Numeric = number | bigint;

/** Longer text is no sum that a person has typed. */
const LONGEST = 200;
/** Above this, a power of whole numbers is as good as a fraction. */
const LARGEST_POWER = 2 ** 70;
const TOKEN = /\s*(?:(\d+\.?\d*(?:e[+-]?\d+)?|\.\d+(?:e[+-]?\d+)?)|(\*\*|[-+*/%^()]))\s*/iy;

/** What it comes to, or null where it is no arithmetic: unfinished, divided by zero, or words. */
export function evaluate(text: string): Numeric | null {
	const tokens = read(text.trim().replace(/^=/, ''));
	if (tokens === null || tokens.length === 0) {
		return null;
	}
	const parser = new Parser(tokens);
	const value = parser.sum();
	return value === null || !parser.atEnd || (typeof value === 'number' && !Number.isFinite(value)) ? null : value;
}

function read(text: string): readonly string[] | null {
	const tokens: string[] = [];
	if (text.length > LONGEST) {
		return null;
	}
	TOKEN.lastIndex = 0;
	while (TOKEN.lastIndex < text.length) {
		const found = TOKEN.exec(text);
		if (found === null) {
			return null;
		}
		tokens.push(found[1] ?? found[2] ?? '');
	}
	return tokens;
}

class Parser {
	private at = 0;

	constructor(private readonly tokens: readonly string[]) {}

	get atEnd(): boolean {
		return this.at === this.tokens.length;
	}

	sum(): Numeric | null {
		return this.chain(['+', '-'], () => this.product());
	}

	private product(): Numeric | null {
		return this.chain(['*', '/', '%'], () => this.signed());
	}

	private signed(): Numeric | null {
		if (this.take('+')) {
			return this.signed();
		}
		if (this.take('-')) {
			const value = this.signed();
			return value === null ? null : -value;
		}
		return this.power();
	}

	private power(): Numeric | null {
		const base = this.atom();
		if (base === null || !(this.take('**') || this.take('^'))) {
			return base;
		}
		const exponent = this.signed();
		return exponent === null ? null : raised(base, exponent);
	}

	private atom(): Numeric | null {
		if (this.take('(')) {
			const value = this.sum();
			return this.take(')') ? value : null;
		}
		const token = this.tokens[this.at];
		if (token === undefined || !/^[\d.]/.test(token)) {
			return null;
		}
		this.at += 1;
		return /^\d+$/.test(token) ? BigInt(token) : Number(token);
	}

	private chain(signs: readonly string[], part: () => Numeric | null): Numeric | null {
		let value = part();
		for (;;) {
			const sign = signs.find((candidate) => this.take(candidate));
			if (value === null || sign === undefined) {
				return value;
			}
			const right = part();
			value = right === null ? null : joined(value, sign, right);
		}
	}

	private take(token: string): boolean {
		const there = this.tokens[this.at] === token;
		this.at += there ? 1 : 0;
		return there;
	}
}

function joined(left: Numeric, sign: string, right: Numeric): Numeric | null {
	if (sign === '/' || sign === '%') {
		if (Number(right) === 0) {
			return null;
		}
		if (typeof left === 'bigint' && typeof right === 'bigint' && (sign === '%' || left % right === 0n)) {
			return sign === '%' ? left % right : left / right;
		}
		return sign === '%' ? Number(left) % Number(right) : Number(left) / Number(right);
	}
	if (typeof left === 'bigint' && typeof right === 'bigint') {
		return sign === '*' ? left * right : sign === '+' ? left + right : left - right;
	}
	const [a, b] = [Number(left), Number(right)];
	return sign === '*' ? a * b : sign === '+' ? a + b : a - b;
}

function raised(base: Numeric, exponent: Numeric): Numeric {
	const value = Number(base) ** Number(exponent);
	const whole = typeof base === 'bigint' && typeof exponent === 'bigint' && exponent >= 0n;
	return whole && Math.abs(value) < LARGEST_POWER ? base ** exponent : value;
}
