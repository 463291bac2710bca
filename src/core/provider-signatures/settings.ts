/** One setting of a source: what it may be, what it is when absent, and what it is for (shown in the dashboard). */
export type SettingSpec = { name: string; about: string } & (
  | { kind: 'flag'; default: boolean }
  | { kind: 'seconds'; default: number }
  | { kind: 'choice'; choices: readonly string[]; default: string }
  | { kind: 'text' | 'header' | 'url' | 'pointer'; default?: string; required?: boolean; sensitive?: boolean }
  | { kind: 'keys' }
);

/** What is wrong with a source's settings; `pointer` is relative to them. */
export interface SettingProblem {
  pointer: string;
  detail: string;
}

const MAX_TOLERANCE_SECONDS = 7 * 24 * 3600;

/**
 * A source's settings with defaults. They were checked when they were saved (`settingProblems`); here, a value that its
 * setting does not take counts as absent.
 */
export class Settings {
  private readonly values: Record<string, unknown> = Object.create(null);

  constructor(specs: readonly SettingSpec[], given: unknown) {
    const values = typeof given === 'object' && given !== null ? (given as Record<string, unknown>) : {};
    for (const spec of specs) {
      const value = Object.hasOwn(values, spec.name) ? values[spec.name] : undefined;
      const usable = value !== undefined && value !== null && valueProblem(spec, value) === null;
      this.values[spec.name] = usable ? value : 'default' in spec ? spec.default : undefined;
    }
  }

  flag(name: string): boolean {
    return this.values[name] === true;
  }

  /** Undefined when absent or empty. */
  text(name: string): string | undefined {
    const value = this.values[name];
    return typeof value === 'string' && value !== '' ? value : undefined;
  }

  seconds(name: string): number {
    const value = this.values[name];
    if (typeof value !== 'number') throw new Error(`the setting ${name} is not declared`);
    return value;
  }

  /** A JSON Web Key Set's keys, or undefined. */
  keys(name: string): unknown[] | undefined {
    return keysOf(this.values[name]);
  }
}

/** Everything wrong with the settings given for a provider, in words; empty when they can be saved. */
export function problemsOf(specs: readonly SettingSpec[], given: unknown): SettingProblem[] {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    return [{ pointer: '', detail: 'Settings are a JSON object.' }];
  }
  const names = specs.map((spec) => spec.name);
  const unknown = Object.keys(given)
    .filter((name) => !names.includes(name))
    .map((name) => ({
      pointer: pointerTo(name),
      detail: `There is no setting "${name}" here. ${names.length > 0 ? `There are: ${names.join(', ')}.` : 'This provider has none.'}`,
    }));
  const wrong = specs.flatMap((spec) => {
    const value = (given as Record<string, unknown>)[spec.name];
    const missing = value === undefined || value === null || value === '';
    if (missing) {
      const required = 'required' in spec && spec.required;
      return required
        ? [{ pointer: pointerTo(spec.name), detail: `The setting "${spec.name}" is needed: ${spec.about}` }]
        : [];
    }
    const problem = valueProblem(spec, value);
    return problem ? [{ pointer: pointerTo(spec.name), detail: `"${spec.name}" ${problem}.` }] : [];
  });
  return [...unknown, ...wrong];
}

function valueProblem(spec: SettingSpec, value: unknown): string | null {
  switch (spec.kind) {
    case 'flag':
      return typeof value === 'boolean' ? null : 'is true or false';
    case 'seconds': {
      const fits = typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= MAX_TOLERANCE_SECONDS;
      return fits ? null : `is a whole number of seconds from 1 to ${MAX_TOLERANCE_SECONDS}`;
    }
    case 'choice':
      return spec.choices.includes(value as string) ? null : `is one of ${spec.choices.join(', ')}`;
    case 'keys':
      return keysOf(value) ? null : 'is a JSON Web Key Set: {"keys": [...]}';
    case 'text':
      return typeof value === 'string' && value.length <= 2000 ? null : 'is a text of at most 2000 characters';
    case 'header':
      return typeof value === 'string' && /^[\w!#$%&'*+.^`|~-]{1,100}$/.test(value)
        ? null
        : 'is a header name such as X-Webhook-Signature';
    case 'pointer':
      return typeof value === 'string' && /^(\/[^/]+){1,20}$/.test(value) ? null : 'is a JSON pointer such as /data/id';
    case 'url':
      return typeof value === 'string' && /^https?:\/\//i.test(value) && URL.canParse(value)
        ? null
        : 'is a URL that starts with https:// or http://';
  }
}

function keysOf(value: unknown): unknown[] | undefined {
  const keys = typeof value === 'object' && value !== null ? (value as { keys?: unknown }).keys : undefined;
  return Array.isArray(keys) ? keys : undefined;
}

function pointerTo(name: string): string {
  return `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

export const TOLERANCE_300_S: SettingSpec = {
  name: 'toleranceSeconds',
  kind: 'seconds',
  default: 300,
  about: 'How far the timestamp of a request may be from our clock, in either direction.',
};

export const ACCEPT_LEGACY: SettingSpec = {
  name: 'acceptLegacySignatures',
  kind: 'flag',
  default: false,
  about: 'Also accept the simpler HMAC forms that older guides print. A configured secret still requires a signature.',
};

export const ALLOW_UNSIGNED: SettingSpec = {
  name: 'allowUnsigned',
  kind: 'flag',
  default: false,
  about: 'Accept requests while the source has no secret. Then only the unguessable URL protects it.',
};

export const PUBLIC_URL: SettingSpec = {
  name: 'publicUrl',
  kind: 'url',
  about: 'The exact URL pasted at the provider, when it is not the one shown here (a proxy or another host name).',
};
