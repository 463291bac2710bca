/** What is wrong with a filter; `pointer` leads into it (RFC 6901). */
export interface FilterProblem {
  pointer: string;
  detail: string;
}

export const MAX_FILTER_DEPTH = 8;
export const MAX_FILTER_CONDITIONS = 100;
const MAX_LIST = 200;
const MAX_TEXT = 1000;
const MAX_PATH = 200;
/** A path through lists of lists may lead to many values; so many are looked at. */
const MAX_VALUES = 1000;

type Json = null | boolean | number | string;

const LOGICAL = ['$and', '$or', '$nor'];
const isScalar = (value: unknown): value is Json =>
  value === null || ['boolean', 'number', 'string'].includes(typeof value);
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const scalar = (value: unknown) =>
  isScalar(value) && String(value).length <= MAX_TEXT
    ? null
    : `must be null, true, false, a number or a text of at most ${MAX_TEXT} characters`;
const list = (value: unknown) =>
  Array.isArray(value) && value.length <= MAX_LIST && value.every((one) => scalar(one) === null)
    ? null
    : `must be a list of at most ${MAX_LIST} plain values`;
const text = (value: unknown) =>
  typeof value === 'string' && value.length <= MAX_TEXT ? null : `must be a text of at most ${MAX_TEXT} characters`;
const ordered = (value: unknown) =>
  typeof value === 'number' || text(value) === null ? null : 'must be a number or a text';
const flag = (value: unknown) => (typeof value === 'boolean' ? null : 'must be true or false');

interface Operator {
  /** What is wrong with its operand, or null. */
  check(operand: unknown): string | null;
  /** @param found the values at the path; none when it leads nowhere */
  holds(found: readonly unknown[], operand: never): boolean;
}

const anyText = (found: readonly unknown[], test: (value: string) => boolean) =>
  found.some((value) => typeof value === 'string' && test(value));
/** Numbers compare with numbers and texts with texts (ISO times among them, as texts); anything else does not compare. */
const compare = (test: (order: number) => boolean) => (found: readonly unknown[], operand: number | string) =>
  found.some(
    (value) =>
      typeof value === typeof operand && test((value as number) < (operand as number) ? -1 : value === operand ? 0 : 1),
  );
const equals = (found: readonly unknown[], operand: Json) =>
  found.some((value) => value === operand) || (operand === null && found.length === 0);
const isOneOf = (found: readonly unknown[], operands: Json[]) => operands.some((operand) => equals(found, operand));

const OPERATORS: Record<string, Operator> = {
  $eq: { check: scalar, holds: equals },
  $ne: { check: scalar, holds: (found, operand) => !equals(found, operand) },
  $in: { check: list, holds: isOneOf },
  $nin: { check: list, holds: (found, operands) => !isOneOf(found, operands) },
  $gt: { check: ordered, holds: compare((order) => order > 0) },
  $gte: { check: ordered, holds: compare((order) => order >= 0) },
  $lt: { check: ordered, holds: compare((order) => order < 0) },
  $lte: { check: ordered, holds: compare((order) => order <= 0) },
  $exists: { check: flag, holds: (found, wanted: boolean) => found.length > 0 === wanted },
  $startsWith: { check: text, holds: (found, start: string) => anyText(found, (value) => value.startsWith(start)) },
  $endsWith: { check: text, holds: (found, end: string) => anyText(found, (value) => value.endsWith(end)) },
  $contains: { check: text, holds: (found, part: string) => anyText(found, (value) => value.includes(part)) },
};

/**
 * Everything wrong with a filter, in words; empty when `matches` can take it.
 *
 * The language is a part of MongoDB's, over JSON: `{"path.to.member": value or {operator: operand, …}, …}`, all of which must hold,
 * and `$and`, `$or`, `$nor` over lists of filters, `$not` over the conditions of a path. Operators: `$eq $ne $in $nin $gt $gte $lt
 * $lte $exists $startsWith $endsWith $contains`. A path goes through lists: one of their entries is enough, and a number names one.
 * There are no expressions and no regular expressions: matching takes time in proportion to filter and body, whoever wrote them.
 */
export function checkFilter(filter: unknown): FilterProblem[] {
  const problems: FilterProblem[] = [];
  const conditions = checkLevel(filter, '', 1, problems);
  if (conditions > MAX_FILTER_CONDITIONS) {
    problems.push({
      pointer: '',
      detail: `A filter has at most ${MAX_FILTER_CONDITIONS} conditions; this has ${conditions}.`,
    });
  }
  return problems;
}

/** Whether a JSON value fits a filter that `checkFilter` found nothing wrong with. */
export function matches(filter: unknown, value: unknown): boolean {
  return Object.entries(filter as Record<string, unknown>).every(([name, operand]) => {
    switch (name) {
      case '$and':
        return (operand as unknown[]).every((one) => matches(one, value));
      case '$or':
        return (operand as unknown[]).some((one) => matches(one, value));
      case '$nor':
        return !(operand as unknown[]).some((one) => matches(one, value));
      default:
        return conditionHolds(valuesAt(value, name), operand);
    }
  });
}

function conditionHolds(found: readonly unknown[], condition: unknown): boolean {
  if (!isObject(condition)) return equals(found, condition as Json);
  return Object.entries(condition).every(([name, operand]) =>
    name === '$not' ? !conditionHolds(found, operand) : OPERATORS[name]?.holds(found, operand as never),
  );
}

/** The values a dotted path leads to; of a list its entries (and itself not: filters compare plain values only). */
function valuesAt(value: unknown, path: string): unknown[] {
  let level = [value];
  for (const name of path.split('.')) {
    const next: unknown[] = [];
    for (const one of level) {
      const entries = Array.isArray(one) && !/^\d+$/.test(name) ? one : [one];
      for (const entry of entries) {
        if (typeof entry === 'object' && entry !== null && Object.hasOwn(entry, name) && next.length < MAX_VALUES)
          next.push((entry as Record<string, unknown>)[name]);
      }
    }
    level = next;
  }
  return level.flatMap((one) => (Array.isArray(one) && one.length > 0 ? one.slice(0, MAX_VALUES) : [one]));
}

function checkLevel(filter: unknown, pointer: string, depth: number, problems: FilterProblem[]): number {
  const complain = (at: string, detail: string) => problems.push({ pointer: at, detail });
  if (!isObject(filter)) {
    complain(pointer, 'A filter is a JSON object such as {"data.stage": "won"}.');
    return 0;
  }
  if (depth > MAX_FILTER_DEPTH) {
    complain(pointer, `A filter is nested at most ${MAX_FILTER_DEPTH} deep.`);
    return 0;
  }
  let conditions = 0;
  for (const [name, operand] of Object.entries(filter)) {
    const here = `${pointer}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    if (LOGICAL.includes(name)) {
      if (!Array.isArray(operand) || operand.length === 0) complain(here, `${name} takes a list of filters.`);
      else
        operand.slice(0, MAX_FILTER_CONDITIONS + 1).forEach((one, i) => {
          conditions += checkLevel(one, `${here}/${i}`, depth + 1, problems);
        });
    } else if (name.startsWith('$')) {
      complain(here, `${name} cannot stand here: there are $and, $or and $nor, and the paths of members.`);
    } else if (name === '' || name.length > MAX_PATH || name.split('.').includes('')) {
      complain(here, `"${name.slice(0, 80)}" is no path of members such as "data.stage".`);
    } else {
      conditions += checkCondition(operand, here, depth + 1, problems);
    }
  }
  return conditions;
}

function checkCondition(condition: unknown, pointer: string, depth: number, problems: FilterProblem[]): number {
  if (!isObject(condition)) {
    const problem = scalar(condition);
    if (problem)
      problems.push({
        pointer,
        detail: `The value ${problem}, or an object of operators such as {"$in": ["a", "b"]}.`,
      });
    return 1;
  }
  const entries = Object.entries(condition);
  if (depth > MAX_FILTER_DEPTH || entries.length === 0) {
    const detail =
      entries.length === 0 ? 'There is no operator in it.' : `A filter is nested at most ${MAX_FILTER_DEPTH} deep.`;
    problems.push({ pointer, detail });
    return 1;
  }
  let conditions = 0;
  for (const [name, operand] of entries) {
    const here = `${pointer}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    if (name === '$not') {
      if (isObject(operand)) conditions += checkCondition(operand, here, depth + 1, problems);
      else problems.push({ pointer: here, detail: '$not takes an object of operators.' });
      continue;
    }
    conditions++;
    const operator = Object.hasOwn(OPERATORS, name) ? OPERATORS[name] : undefined;
    const problem = operator?.check(operand);
    if (!operator)
      problems.push({
        pointer: here,
        detail: `There is no operator ${name}, only ${Object.keys(OPERATORS).join(' ')} $not.`,
      });
    else if (problem) problems.push({ pointer: here, detail: `The operand of ${name} ${problem}.` });
  }
  return conditions;
}
