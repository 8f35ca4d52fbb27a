// Finds operations as one types, marks the one that is read, and sends requests from the forms.

const LONGEST_SHOWN = 200000;
const search = document.getElementById('search');

function find() {
	const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
	for (const section of document.querySelectorAll('nav section')) {
		const entries = [...section.querySelectorAll('li')];
		for (const entry of entries) {
			entry.hidden = !words.every((word) => entry.dataset.find.includes(word));
		}
		section.hidden = entries.every((entry) => entry.hidden);
	}
}

search.addEventListener('input', find);
search.addEventListener('keydown', (event) => {
	const first = document.querySelector('nav section:not([hidden]) li:not([hidden]) a');
	if (event.key === 'Enter' && first) {
		first.click();
	} else if (event.key === 'Escape') {
		search.value = '';
		find();
	}
});
document.addEventListener('keydown', (event) => {
	if (event.key === '/' && !event.target.closest('input, textarea')) {
		event.preventDefault();
		search.focus();
	}
});

const links = new Map([...document.querySelectorAll('nav li a')].map((link) => [link.hash.slice(1), link]));

/** Scrolls the list, and only the list: the page itself may be on its way elsewhere. */
function reveal(link) {
	const list = document.querySelector('.groups');
	const [inside, around] = [link?.getBoundingClientRect(), list.getBoundingClientRect()];
	if (inside && (inside.top < around.top || inside.bottom > around.bottom)) {
		list.scrollTop += inside.top - around.top - around.height / 3;
	}
}

const watcher = new IntersectionObserver(
	(entries) => {
		for (const { target, isIntersecting } of entries) {
			const link = links.get(target.id);
			if (isIntersecting) {
				link?.setAttribute('aria-current', 'true');
				reveal(link);
			} else {
				link?.removeAttribute('aria-current');
			}
		}
	},
	{ rootMargin: '-80px 0px -75% 0px' },
);
for (const article of document.querySelectorAll('article')) {
	watcher.observe(article);
}

/** The request that a form stands for. Empty fields are left out; slashes of a path are kept. */
function read(form) {
	let path = form.dataset.path;
	const query = new URLSearchParams();
	const headers = {};
	for (const field of form.querySelectorAll('input')) {
		if (field.dataset.place === 'path') {
			path = path.replace(`{${field.name}}`, encodeURIComponent(field.value).replaceAll('%2F', '/'));
		} else if (field.value !== '' && field.dataset.place === 'query') {
			query.append(field.name, field.value);
		} else if (field.value !== '') {
			headers[field.name] = field.value;
		}
	}
	const body = form.querySelector('textarea')?.value;
	if (body !== undefined) {
		headers['Content-Type'] = 'application/json';
	}
	const asked = query.size ? `?${query}` : '';
	return { url: location.origin + path + asked, init: { method: form.dataset.method, headers, body, cache: 'no-store' } };
}

/** The same as a command line. */
function curl({ url, init }) {
	const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;
	const parts = ['curl', ...(init.method === 'GET' ? [] : ['-X', init.method])];
	for (const [name, value] of Object.entries(init.headers)) {
		parts.push('-H', quoted(`${name}: ${value}`));
	}
	if (init.body !== undefined) {
		parts.push('-d', quoted(init.body.replace(/\s*\n\s*/g, ' ')));
	}
	return [...parts, quoted(url)].join(' ');
}

function element(name, properties, ...children) {
	const made = Object.assign(document.createElement(name), properties);
	made.append(...children);
	return made;
}

async function show(response, began) {
	const type = response.headers.get('Content-Type') ?? '';
	const took = `${Math.round(performance.now() - began)} ms`;
	const etag = response.headers.get('ETag');
	const status = element('span', { className: `status s${Math.floor(response.status / 100)}` }, String(response.status));
	const line = element('p', {}, status, type, took, ...(etag ? [`ETag ${etag}`] : []));
	if (type.startsWith('image/')) {
		return [line, element('img', { src: URL.createObjectURL(await response.blob()), alt: '' })];
	}
	const text = await response.text();
	if (text === '') {
		return [line];
	}
	// JSON is laid out anew by hand: its numbers may be larger than scripts can hold.
	const shown = /json/.test(type) ? laidOut(text) : text;
	const cut = shown.length > LONGEST_SHOWN ? `${shown.slice(0, LONGEST_SHOWN)}\n…` : shown;
	return [line, element('pre', {}, cut)];
}

function laidOut(json) {
	let depth = 0;
	return json.replace(/"(?:[^"\\]|\\.)*"|\[\]|\{\}|[[\]{},:]/g, (token) => {
		const line = (change) => `\n${'  '.repeat((depth += change))}`;
		switch (token) {
			case '{':
			case '[':
				return token + line(1);
			case '}':
			case ']':
				return line(-1) + token;
			case ',':
				return token + line(0);
			case ':':
				return ': ';
			default:
				return token;
		}
	});
}

for (const trial of document.querySelectorAll('.trial')) {
	const form = trial.querySelector('form');
	const outcome = trial.querySelector('.outcome');
	const command = () => (trial.querySelector('.curl').textContent = curl(read(form)));
	trial.hidden = false;
	trial.addEventListener('toggle', command);
	form.addEventListener('input', command);
	form.addEventListener('submit', async (event) => {
		event.preventDefault();
		if ('destructive' in form.dataset && !confirm(`Really ${form.dataset.method} ${form.dataset.path}?`)) {
			return;
		}
		const { url, init } = read(form);
		const began = performance.now();
		try {
			outcome.replaceChildren(...(await show(await fetch(url, init), began)));
		} catch (error) {
			outcome.replaceChildren(element('p', {}, `The server does not answer: ${error.message}`));
		}
	});
}
