import { lazy, Suspense, useEffect, useMemo, useState } from 'react';
import { fetchStored } from '../api/library';
import type { JobDetail } from '../api/jobreader';
import { fetchJobDetail } from '../api/jobs';
import type { WorkflowEntry } from '../api/types';
import type { DialogProps } from '../commands/Dialogs';
import type { Doc } from '../graph/doc';
import { currentKinds } from '../graph/kinds';
import { readAny } from '../graph/open';
import { toRequest } from '../graph/request';
import { isSeed } from '../graph/seeds';
import { currentDoc } from '../graph/store';
import type { Json } from '../json';
import { MaskOpener, type Masked } from '../mask/opening';
import { combinations, formInputs, sweepComplaint, sweepValues, type FormInput } from '../run/form';
import { useRun } from '../run/store';
import { queueForm, tell } from '../run/submit';
import { runningWords } from '../run/words';
import { Modal } from '../ui/Modal';
import { NumberWidget } from '../widgets/NumberWidget';
import { widgetEntry } from '../widgets/registry';
import { listWorkflows } from './files';
import { isViewing } from './lightbox';
import { ResultGrid } from './ResultGrid';
import { t } from '../i18n/i18n';

const MaskEditor = lazy(() => import('../mask/MaskEditor'));

const MOST = 100;
type Values = { readonly [name: string]: Json };
type Sweeps = { readonly [name: string]: string };

/** A workflow run like a function: a field for each of its named inputs, or several values for some of them. */
export default function RunForm({ onClose }: DialogProps) {
	const [name, setName] = useState('');
	const [doc, setDoc] = useState<Doc>(currentDoc);
	const [entries, setEntries] = useState<readonly WorkflowEntry[]>([]);
	const [values, setValues] = useState<Values>({});
	const [sweeps, setSweeps] = useState<Sweeps>({});
	const [job, setJob] = useState<string | null>(null);
	const [masked, setMasked] = useState<Masked | null>(null);
	const inputs = useMemo(() => formInputs(doc, currentKinds()), [doc]);
	useEffect(() => void listWorkflows().then(setEntries), []);

	const choose = (next: string): void => {
		setName(next);
		setValues({});
		setSweeps({});
		void tell(async () => setDoc(next === '' ? currentDoc() : readAny((await fetchStored(next)).document, currentKinds())));
	};
	const read = inputs.flatMap((input) => {
		const written = sweeps[input.name];
		return written === undefined ? [] : [[input.name, sweepValues(written, input.info)] as const];
	});
	const wrong = read.filter(([, found]) => found === null).map(([one]) => one);
	const sweep = Object.fromEntries(read.flatMap(([one, found]) => (found === null ? [] : [[one, found] as const])));
	const count = combinations(sweep);
	const run = async (): Promise<void> => {
		const given = Object.fromEntries(Object.entries(values).filter(([one]) => sweeps[one] === undefined));
		const id = await queueForm({ workflow: toRequest(doc, currentKinds()), inputs: given, sweep }, doc.root.title);
		if (id !== null) {
			setJob(id);
		}
	};
	return (
		<Modal title={t('running.form.title')} onClose={() => !isViewing() && onClose()} className="run-form">
			<label className="form-source">
				{t('running.form.workflow')}
				<select data-testid="form-workflow" value={name} onChange={(event) => choose(event.target.value)}>
					<option value="">{t('running.form.this')}</option>
					{entries.map((entry) => (
						<option key={entry.name} value={entry.name}>
							{entry.title}
						</option>
					))}
				</select>
			</label>
			<div className="form-body">
				{inputs.length === 0 && <p className="none">{t('running.form.none')}</p>}
				<MaskOpener value={setMasked}>
					{inputs.map((input) => (
						<Field
							key={`${name} ${input.name}`}
							input={input}
							value={values[input.name] ?? input.value}
							sweep={sweeps[input.name]}
							wrong={wrong.includes(input.name)}
							onChange={(value) => setValues((before) => ({ ...before, [input.name]: value }))}
							onSweep={(written) => setSweeps(withSweep(sweeps, input.name, written))}
						/>
					))}
				</MaskOpener>
				{job !== null && <Outcome key={job} job={job} />}
			</div>
			<footer>
				<span className={count > MOST ? 'bad' : 'faint'} role="status">
					{count > MOST ? t('running.form.tooMany', { count, most: MOST }) : count > 1 ? t('running.form.combinations', { count }) : ''}
				</span>
				<button
					type="button"
					className="primary"
					data-testid="form-run"
					disabled={wrong.length > 0 || count > MOST}
					onClick={() => void run()}
				>
					{t('running.form.run')}
				</button>
			</footer>
			{masked !== null && (
				<Suspense fallback={null}>
					<MaskEditor over={masked} onClose={() => setMasked(null)} />
				</Suspense>
			)}
		</Modal>
	);
}

interface FieldProps {
	readonly input: FormInput;
	readonly value: Json | undefined;
	/** As written; undefined: one value. */
	readonly sweep: string | undefined;
	readonly wrong: boolean;
	readonly onChange: (value: Json) => void;
	readonly onSweep: (written: string | null) => void;
}

function Field({ input, value, sweep, wrong, onChange, onSweep }: FieldProps) {
	const { info, label, name, description } = input;
	const Widget = isSeed(info) ? NumberWidget : widgetEntry(info).component;
	const many = sweep !== undefined;
	return (
		<div className="form-field" data-wrong={wrong || undefined}>
			<span data-tip={description || undefined}>{label}</span>
			<div className="control">
				{many ? (
					<textarea
						data-testid={`sweep-${name}`}
						aria-label={t('running.form.values', { label })}
						aria-invalid={wrong}
						aria-describedby={wrong ? `wrong-${name}` : undefined}
						placeholder={t('running.form.hint')}
						rows={2}
						value={sweep}
						onChange={(event) => onSweep(event.target.value)}
					/>
				) : (
					<Widget node="form" input={info} value={value} label={label} refused={false} onChange={onChange} />
				)}
				{wrong && (
					<p className="bad" id={`wrong-${name}`} role="alert" data-testid={`wrong-${name}`}>
						{sweepComplaint(input)}
					</p>
				)}
			</div>
			<label className="check">
				<input
					type="checkbox"
					data-testid={`several-${name}`}
					checked={many}
					onChange={(event) => onSweep(event.target.checked ? String(value ?? '') : null)}
				/>
				{t('running.form.several')}
			</label>
		</div>
	);
}

/** How the job is getting on, then what it made. */
function Outcome({ job }: { job: string }) {
	const going = useRun((state) => state.jobs[job] !== undefined);
	const running = useRun((state) => state.current === job);
	const progress = useRun((state) => state.progress);
	const [detail, setDetail] = useState<JobDetail | null>(null);
	useEffect(() => {
		if (!going) {
			void tell(async () => setDetail(await fetchJobDetail(job)));
		}
	}, [going, job]);
	if (detail === null) {
		return (
			<p className="none" role="status">
				{running ? runningWords(progress) : t('running.form.waiting')}
			</p>
		);
	}
	return <ResultGrid job={detail} />;
}

function withSweep(sweeps: Sweeps, name: string, written: string | null): Sweeps {
	const { [name]: _before, ...others } = sweeps;
	return written === null ? others : { ...others, [name]: written };
}
