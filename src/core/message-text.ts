/** Message templates: text with `{{placeholders}}`, and times as people of a language and a time zone read them. */

export const LANGUAGES = ['pt-BR', 'en', 'es'] as const;
export type Language = (typeof LANGUAGES)[number];

const PLACEHOLDER = /\{\{([^{}]*)\}\}/g;

/** The names in a text, each once. */
export function placeholdersIn(text: string): string[] {
  return [...new Set([...text.matchAll(PLACEHOLDER)].map(([, name = '']) => name.trim()))];
}

/** What is wrong with a text, in words; null when nothing is. */
export function templateProblem(text: string, known: readonly string[]): string | null {
  const unknown = placeholdersIn(text).filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    const named = unknown.map((name) => `{{${name}}}`).join(', ');
    return `${named} cannot be filled in. There are ${known.map((name) => `{{${name}}}`).join(', ')}.`;
  }
  const rest = text.replaceAll(PLACEHOLDER, '');
  return /\{\{|\}\}/.test(rest) ? 'A placeholder is a name between two braces on each side: {{contact.name}}.' : null;
}

/** What is not known is left out, with the blank before it: "Olá {{contact.firstName}}!" greets the nameless as "Olá!". */
export function fillIn(text: string, values: Readonly<Record<string, string | null | undefined>>): string {
  return text
    .replaceAll(/( ?)\{\{([^{}]*)\}\}/g, (_, blank: string, name: string) => {
      const value = values[name.trim()];
      return value === undefined || value === null || value === '' ? '' : blank + value;
    })
    .trim();
}

/**
 * The language for somebody whose locale is this one: `pt_BR`, `pt-PT`, `es_MX`, `en`; the first that names one of ours decides.
 */
export function languageOf(locales: readonly (string | null | undefined)[], otherwise: Language): Language {
  for (const locale of locales) {
    const main = (locale ?? '').slice(0, 2).toLowerCase();
    const found = LANGUAGES.find(
      (language) => language.slice(0, 2) === main && /^[a-z]{2}([-_]|$)/i.test(locale ?? ''),
    );
    if (found) return found;
  }
  return otherwise;
}

/** `sexta-feira, 23 de janeiro de 2026` and `10:00`, in the zone: an unknown zone counts as UTC and is named. */
export function dateAndTime(time: Date, language: Language, timeZone: string | null): { date: string; time: string } {
  const zone = isTimeZone(timeZone) ? timeZone : 'UTC';
  const date = new Intl.DateTimeFormat(language, { dateStyle: 'full', timeZone: zone }).format(time);
  const clock = new Intl.DateTimeFormat(language, { timeStyle: 'short', timeZone: zone }).format(time);
  return { date, time: zone === timeZone ? clock : `${clock} UTC` };
}

export function isTimeZone(name: string | null | undefined): name is string {
  if (!name) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
