import type { ErrorObject } from 'ajv';
import type { FieldError } from '../core/errors.js';

const MAX_PROBLEMS = 50;
const MAX_SHOWN_VALUE = 60;

const FORMAT_IN_WORDS: Record<string, string> = {
  date: 'a date such as 2026-01-15',
  'date-time': 'a date and time with zone such as 2026-01-15T10:30:00Z',
  time: 'a time with zone such as 10:30:00Z',
  duration: 'an ISO 8601 duration such as PT30M',
  email: 'an e-mail address',
  hostname: 'a host name',
  ipv4: 'an IPv4 address',
  ipv6: 'an IPv6 address',
  uri: 'an absolute URI',
  uuid: 'a UUID',
};

/** Keywords whose error follows the errors of what they tried, each of which asks for something the author need not do. */
const TRYING = new Set(['anyOf', 'oneOf', 'contains', 'if']);

/**
 * ajv's errors as `{pointer, detail}`: the pointer names the value (or the missing property) in the checked document, the detail
 * reads on from it ("is required", "must be a string, but is 42"). What an `anyOf` or `oneOf` tried is folded into one. At most 50.
 */
export function describeSchemaErrors(errors: readonly ErrorObject[]): FieldError[] {
  const tried = new Map<ErrorObject, ErrorObject[]>();
  const folded = new Set<ErrorObject>();
  for (let index = errors.length - 1; index >= 0; index--) {
    const outer = errors[index] as ErrorObject;
    if (!TRYING.has(outer.keyword) || folded.has(outer)) continue;
    if (outer.keyword === 'if') {
      folded.add(outer);
      continue;
    }
    const inner = triedBefore(index, errors);
    tried.set(outer, inner);
    for (const error of inner) folded.add(error);
  }
  const distinct = new Map<string, FieldError>();
  for (const error of errors) {
    if (folded.has(error)) continue;
    const described = describe(error, tried.get(error) ?? []);
    distinct.set(`${described.pointer}\n${described.detail}`, described);
  }
  const problems = [...distinct.values()];
  if (problems.length <= MAX_PROBLEMS) return problems;
  return [
    ...problems.slice(0, MAX_PROBLEMS),
    { pointer: '', detail: `There are ${problems.length - MAX_PROBLEMS} further problems.` },
  ];
}

/**
 * ajv reports what a keyword tried directly before the keyword itself, below its place in the schema or, behind a `$ref`, somewhere
 * else altogether; an error of the keyword's own siblings ends the row.
 */
function triedBefore(index: number, errors: readonly ErrorObject[]): ErrorObject[] {
  const outer = errors[index] as ErrorObject;
  const siblings = outer.schemaPath.slice(0, -outer.keyword.length);
  let first = index;
  for (; first > 0; first--) {
    const { instancePath, schemaPath } = errors[first - 1] as ErrorObject;
    if (instancePath !== outer.instancePath && !instancePath.startsWith(`${outer.instancePath}/`)) break;
    if (schemaPath.startsWith(`${outer.schemaPath}/`)) continue;
    if (schemaPath.startsWith(siblings) && !/^(\$defs|definitions)\//.test(schemaPath.slice(siblings.length))) break;
  }
  return errors.slice(first, index);
}

function describe(error: ErrorObject, tried: readonly ErrorObject[]): FieldError {
  const { params, instancePath, data } = error;
  const here = (detail: string): FieldError => ({ pointer: instancePath, detail });
  const below = (property: string, detail: string): FieldError => ({
    pointer: `${instancePath}/${pointerSegment(property)}`,
    detail,
  });
  switch (error.keyword) {
    case 'required':
      return below(params.missingProperty, 'is required');
    case 'dependentRequired':
      return below(params.missingProperty, `is required when "${params.property}" is there`);
    case 'additionalProperties':
      return below(params.additionalProperty, 'is not a property the schema knows');
    case 'unevaluatedProperties':
      return below(params.unevaluatedProperty, 'is not a property the schema knows');
    case 'propertyNames':
      return below(params.propertyName, 'has a name the schema does not allow');
    case 'type':
      return here(`must be ${typesInWords(params.type)}, but is ${show(data)}`);
    case 'format':
      return here(
        `must be ${FORMAT_IN_WORDS[params.format] ?? `of the format ${params.format}`}, but is ${show(data)}`,
      );
    case 'pattern':
      return here(`must match the pattern ${params.pattern}, but is ${show(data)}`);
    case 'enum':
      return here(`must be one of ${listed(params.allowedValues)}, but is ${show(data)}`);
    case 'const':
      return here(`must be ${show(params.allowedValue)}, but is ${show(data)}`);
    case 'minLength':
      return here(params.limit === 1 ? 'must not be empty' : `must have at least ${amount(params.limit, 'character')}`);
    case 'maxLength':
      return here(`must have at most ${amount(params.limit, 'character')}`);
    case 'minItems':
      return here(params.limit === 1 ? 'must not be empty' : `must have at least ${amount(params.limit, 'item')}`);
    case 'maxItems':
      return here(`must have at most ${amount(params.limit, 'item')}`);
    case 'minProperties':
      return here(`must have at least ${amount(params.limit, 'property')}`);
    case 'maxProperties':
      return here(`must have at most ${amount(params.limit, 'property')}`);
    case 'minimum':
    case 'maximum':
    case 'exclusiveMinimum':
    case 'exclusiveMaximum':
      return here(`must be ${params.comparison} ${params.limit}, but is ${show(data)}`);
    case 'multipleOf':
      return here(`must be a multiple of ${params.multipleOf}, but is ${show(data)}`);
    case 'uniqueItems':
      return here('must not hold the same item twice');
    case 'contains':
      return here(`must hold at least ${amount(params.minContains, 'item')} of the form the schema asks for`);
    case 'anyOf':
      return here(`fits none of the forms the schema allows (${inWords(tried, instancePath)})`);
    case 'oneOf':
      return here(
        params.passingSchemas
          ? 'fits several forms of which the schema allows one only'
          : `fits none of the forms the schema allows (${inWords(tried, instancePath)})`,
      );
    case 'not':
      return here('has a form the schema forbids');
    case 'false schema':
      return here('is not allowed here');
    default:
      return here(error.message ?? `does not fit "${error.keyword}"`);
  }
}

function inWords(tried: readonly ErrorObject[], outerPath: string): string {
  const words = tried.map((error) => {
    const { pointer, detail } = describe(error, []);
    return `${pointer.slice(outerPath.length)} ${detail}`.trim();
  });
  return [...new Set(words)].slice(0, 3).join('; or ') || 'none is allowed';
}

function typesInWords(type: string | string[]): string {
  const names = (Array.isArray(type) ? type : [type]).map((name) => {
    if (name === 'null') return 'null';
    return /^[aeio]/.test(name) ? `an ${name}` : `a ${name}`;
  });
  return names.join(' or ');
}

function amount(count: number, noun: string): string {
  if (count === 1) return `1 ${noun}`;
  return `${count} ${noun === 'property' ? 'properties' : `${noun}s`}`;
}

function show(value: unknown): string {
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object' && value !== null) return 'an object';
  const json = JSON.stringify(value) ?? 'missing';
  return json.length <= MAX_SHOWN_VALUE ? json : `${json.slice(0, MAX_SHOWN_VALUE)}…`;
}

function listed(values: unknown[]): string {
  const shown = values.slice(0, 10).map(show).join(', ');
  return values.length > 10 ? `${shown} … (${values.length} values)` : shown;
}

/** A property name as one segment of a JSON pointer (RFC 6901). */
export function pointerSegment(property: string): string {
  return property.replaceAll('~', '~0').replaceAll('/', '~1');
}
