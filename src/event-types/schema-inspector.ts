import { Ajv2020 } from 'ajv/dist/2020.js';
import { fullFormats } from 'ajv-formats/dist/formats.js';
import type { FieldError } from '../core/errors.js';
import { patternProblem } from './linear-pattern.js';
import { describeSchemaErrors, pointerSegment } from './schema-error-wording.js';

const DIALECT = 'https://json-schema.org/draft/2020-12/schema';
const MAX_SCHEMA_BYTES = 64 * 1024;
const MAX_DEPTH = 32;
const MAX_PARTS = 2000;

const ONE_SCHEMA =
  'additionalProperties contains contentSchema else if items not propertyNames then unevaluatedItems unevaluatedProperties';
const SCHEMA_LIST = 'allOf anyOf oneOf prefixItems';
const SCHEMA_MAP = '$defs definitions dependentSchemas patternProperties properties';
const PLAIN =
  '$anchor $comment $id $ref $schema const contentEncoding contentMediaType default dependentRequired deprecated description enum ' +
  'examples exclusiveMaximum exclusiveMinimum format maxContains maximum maxItems maxLength maxProperties minContains minimum ' +
  'minItems minLength minProperties multipleOf pattern readOnly required title type uniqueItems writeOnly';
/** Annotations that OpenAPI adds to a schema and that ask for nothing. */
const OPENAPI_NOTES = 'example externalDocs xml';

const kindOf = new Map<string, 'one' | 'list' | 'map' | 'plain'>([
  ...words(ONE_SCHEMA).map((keyword) => [keyword, 'one'] as const),
  ...words(SCHEMA_LIST).map((keyword) => [keyword, 'list'] as const),
  ...words(SCHEMA_MAP).map((keyword) => [keyword, 'map'] as const),
  ...words(`${PLAIN} ${OPENAPI_NOTES}`).map((keyword) => [keyword, 'plain'] as const),
]);

const INSTEAD: Record<string, string> = {
  $async: 'Asynchronous schemas are not supported.',
  $dynamicRef: 'Use "$ref".',
  $recursiveRef: 'Use "$ref".',
  additionalItems: 'Since 2020-12 this is "items" beside "prefixItems".',
  dependencies: 'Since 2019-09 this is "dependentRequired" or "dependentSchemas".',
  id: 'Use "$id".',
  nullable: 'Write the type as ["string", "null"].',
};

/**
 * The formats that are checked. Of ajv-formats' list `regex` is missing, because it would compile whatever text a sender puts
 * into an event, and the non-standard `url`, `iso-time` and `iso-date-time`, because each has a standard sibling.
 */
export const FORMATS = Object.fromEntries(
  Object.entries(fullFormats).filter(([name]) => !['regex', 'url', 'iso-time', 'iso-date-time'].includes(name)),
);

const metaSchema = new Ajv2020({
  allErrors: true,
  verbose: true,
  strict: false,
  validateFormats: false,
  logger: false,
});

type SchemaNode = Record<string, unknown>;

interface Place {
  node: SchemaNode;
  /** The places below it that are applied with it: all but `$defs`. */
  parts: string[];
}

/**
 * What is wrong with a tenant's schema, with pointers into it; empty when nothing is. Refused, besides what the standard refuses:
 *
 * - more than 64 KiB, 32 levels, or 2,000 parts once references are followed (each doubling `$ref` would double the work);
 * - references that leave the document or lead back to where they stand: nothing is ever fetched, and the work per value is bounded;
 * - unknown keywords, unless they begin with `x-`: the standard would ignore `requried`, and its author would never learn that
 *   nothing is required. Keywords of other drafts are refused with their 2020-12 form named;
 * - unknown formats, for the same reason, and patterns that cannot be tested in linear time.
 */
export function inspectSchema(schema: unknown): FieldError[] {
  if (!isObject(schema)) return [problem('', 'A schema is a JSON object.')];
  try {
    const bytes = Buffer.byteLength(JSON.stringify(schema));
    if (bytes > MAX_SCHEMA_BYTES) {
      return [problem('', `The schema has ${bytes} bytes; at most ${MAX_SCHEMA_BYTES} are allowed.`)];
    }
    const problems: FieldError[] = [];
    const places = new Map<string, Place>();
    collect(schema, '', 0, places, problems);
    if (problems.length > 0) return problems;
    if (!metaSchema.validate(DIALECT, schema)) {
      return describeSchemaErrors(metaSchema.errors ?? []).map(({ pointer, detail }) =>
        problem(pointer, `${pointer || 'The schema'} ${detail}.`),
      );
    }
    return referenceProblems(places);
  } catch (error) {
    if (error instanceof RangeError) return [problem('', 'The schema is nested too deeply.')];
    throw error;
  }
}

function collect(
  value: unknown,
  pointer: string,
  depth: number,
  places: Map<string, Place>,
  problems: FieldError[],
): void {
  if (!isObject(value)) return;
  if (depth > MAX_DEPTH) {
    problems.push(problem(pointer, `The schema is nested deeper than ${MAX_DEPTH} levels.`));
    return;
  }
  const place: Place = { node: value, parts: [] };
  places.set(pointer, place);
  for (const [keyword, held] of Object.entries(value)) {
    const at = `${pointer}/${pointerSegment(keyword)}`;
    problems.push(...keywordProblems(keyword, held, at, pointer));
    for (const [child, childPointer] of childrenOf(keyword, held, at)) {
      collect(child, childPointer, depth + 1, places, problems);
      if (keyword !== '$defs' && keyword !== 'definitions') place.parts.push(childPointer);
    }
  }
}

function childrenOf(keyword: string, held: unknown, at: string): [unknown, string][] {
  const kind = kindOf.get(keyword);
  if (kind === 'one') return [[held, at]];
  if (kind === 'list' && Array.isArray(held)) return held.map((child, index) => [child, `${at}/${index}`]);
  if (kind === 'map' && isObject(held))
    return Object.entries(held).map(([name, child]) => [child, `${at}/${pointerSegment(name)}`]);
  return [];
}

function keywordProblems(keyword: string, held: unknown, at: string, pointer: string): FieldError[] {
  if (!kindOf.has(keyword) && !keyword.startsWith('x-')) {
    const advice = INSTEAD[keyword] ?? 'Is it misspelt? A note of your own needs a name that begins with "x-".';
    return [problem(at, `"${keyword}" is not a keyword of JSON Schema 2020-12 that is supported here. ${advice}`)];
  }
  if (keyword === 'patternProperties' && isObject(held)) {
    return Object.keys(held).flatMap((source) => optional(`${at}/${pointerSegment(source)}`, patternProblem(source)));
  }
  if (typeof held !== 'string') return [];
  if (keyword === 'pattern') return optional(at, patternProblem(held));
  if (keyword === 'format' && !Object.hasOwn(FORMATS, held)) {
    return [problem(at, `The format "${held}" is not known. Known are: ${Object.keys(FORMATS).join(', ')}.`)];
  }
  if (keyword === '$schema' && held.replace(/#$/, '') !== DIALECT) {
    return [problem(at, `The schema is written for "${held}". Only ${DIALECT} is supported.`)];
  }
  if (keyword === '$id' && pointer !== '') return [problem(at, '"$id" may stand at the root only.')];
  if (keyword === '$ref' && !held.startsWith('#')) {
    return [problem(at, `"${held}" leaves the document. A "$ref" begins with "#"; put what it needs under "$defs".`)];
  }
  return [];
}

function referenceProblems(places: Map<string, Place>): FieldError[] {
  const anchors = new Map<string, string>();
  for (const [pointer, { node }] of places) if (typeof node.$anchor === 'string') anchors.set(node.$anchor, pointer);

  const problems: FieldError[] = [];
  const sizes = new Map<string, number>();
  const entered = new Set<string>();

  const sizeOf = (pointer: string): number => {
    const place = places.get(pointer);
    if (!place) return 1;
    const known = sizes.get(pointer);
    if (known !== undefined) return known;
    entered.add(pointer);
    const { node } = place;
    let size = 1 + lengthOf(node.enum) + lengthOf(node.required);
    for (const part of place.parts) size += sizeOf(part);
    if (typeof node.$ref === 'string') {
      const target = targetOf(node.$ref, anchors);
      if (target === null || !places.has(target)) {
        problems.push(problem(`${pointer}/$ref`, `"${node.$ref}" does not name a schema of this document.`));
      } else if (entered.has(target)) {
        problems.push(
          problem(
            `${pointer}/$ref`,
            `"${node.$ref}" leads back to itself. Write out the levels that matter and leave the rest open.`,
          ),
        );
      } else {
        size += sizeOf(target);
      }
    }
    entered.delete(pointer);
    sizes.set(pointer, size);
    return size;
  };

  // The root first, so that a circle is reported once; then what nothing refers to yet.
  const size = sizeOf('');
  for (const pointer of places.keys()) sizeOf(pointer);
  if (problems.length === 0 && size > MAX_PARTS) {
    return [problem('', `With its references followed, the schema has more than ${MAX_PARTS} parts.`)];
  }
  return problems;
}

function targetOf(ref: string, anchors: Map<string, string>): string | null {
  if (ref === '#') return '';
  if (!ref.startsWith('#/')) return anchors.get(ref.slice(1)) ?? null;
  try {
    return decodeURIComponent(ref.slice(1));
  } catch {
    return null;
  }
}

function optional(pointer: string, detail: string | null): FieldError[] {
  return detail === null ? [] : [problem(pointer, detail)];
}

function problem(pointer: string, detail: string): FieldError {
  return { pointer, detail };
}

function isObject(value: unknown): value is SchemaNode {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function lengthOf(value: unknown): number {
  return Array.isArray(value) ? value.length : 0;
}

function words(list: string): string[] {
  return list.split(' ');
}
