import { RE2JS } from 're2js';

const MAX_PATTERN_LENGTH = 200;
/** Instructions of the compiled pattern: the worst text costs (text × instructions), about 0.3 s for 1 MiB at this size. */
const MAX_PATTERN_SIZE = 150;

export interface LinearPattern {
  test(text: string): boolean;
  toString(): string;
}

/**
 * A schema's `pattern` comes from one tenant and runs in a process shared by all: JavaScript's own engine can be held
 * for years by `^(a|a)*$` and forty letters. RE2 answers in time proportional to the text, whatever the pattern.
 *
 * The syntax is JavaScript's without look-around and back-references. Throws a SyntaxError for these and for mistakes.
 */
export function linearPattern(source: string): LinearPattern {
  const compiled = compile(source);
  return { test: (text) => compiled.test(text), toString: () => source };
}

/** Why a pattern is refused, in words, or null. */
export function patternProblem(source: string): string | null {
  if (source.length > MAX_PATTERN_LENGTH) {
    return `A pattern may have ${MAX_PATTERN_LENGTH} characters; this one has ${source.length}.`;
  }
  try {
    return compile(source).programSize() <= MAX_PATTERN_SIZE
      ? null
      : `The pattern "${source}" repeats too much to be tested quickly; use minLength and maxLength for lengths.`;
  } catch (error) {
    const lookaround = /\(\?<?[=!]|\\[1-9]/.test(source) ? ' Look-around and back-references are not supported.' : '';
    const reason = error instanceof Error ? error.message.replace(/^error parsing regexp: /, '') : String(error);
    return `The pattern "${source}" cannot be used: ${reason}.${lookaround}`;
  }
}

function compile(source: string): RE2JS {
  try {
    return RE2JS.compile(RE2JS.translateRegExp(source));
  } catch (error) {
    throw new SyntaxError(error instanceof Error ? error.message : String(error));
  }
}
