import { describe, expect, it } from 'vitest';
import { SchemaValidator } from './schema-validator.js';

const validator = new SchemaValidator();
const check = (schema: unknown) => validator.checkSchema(schema);
const pointersOf = (schema: unknown) => check(schema).map(({ pointer }) => pointer);

describe('checkSchema takes', () => {
  it.each<[string, unknown]>([
    ['an empty schema', {}],
    ['a schema with an $id of its own', { $id: 'https://example.com/s', type: 'object' }],
    [
      'local references, also twice and to the same place',
      {
        properties: {
          a: { $ref: '#/$defs/x~1y' },
          b: { $ref: '#/$defs/x~1y' },
          c: { $ref: '#z' },
          d: { $ref: '#/properties/a' },
        },
        $defs: { 'x/y': { type: 'string' }, z: { $anchor: 'z' } },
      },
    ],
    [
      'data that looks like keywords',
      { const: { $ref: 'https://example.com', nonsense: 1 }, properties: { $ref: {}, pattern: { type: 'string' } } },
    ],
    [
      'notes of its author',
      { 'x-owner': 'billing', properties: { a: { type: 'string', example: 'b', deprecated: true } } },
    ],
    ['boolean schemas inside', { properties: { a: true, b: false } }],
    ['patterns that would hang another engine', { pattern: '^(a|a)*$' }],
    ['conditions', JSON.parse('{"if":{"required":["a"]},"then":{"required":["b"]},"else":false}')],
  ])('%s', (_name, schema) => {
    expect(check(schema)).toEqual([]);
  });
});

describe('checkSchema refuses', () => {
  it.each([[null], ['{}'], [true], [[]], [42]])('%j, which is no object', (schema) => {
    expect(check(schema)).toEqual([{ pointer: '', detail: 'A schema is a JSON object.' }]);
  });

  it('what the standard itself refuses, with pointers', () => {
    expect(check({ type: 'text', properties: { a: { minLength: -1 }, b: { required: 'x' } } })).toEqual([
      { pointer: '/properties/a/minLength', detail: '/properties/a/minLength must be >= 0, but is -1.' },
      { pointer: '/properties/b/required', detail: '/properties/b/required must be an array, but is "x".' },
      {
        pointer: '/type',
        detail: expect.stringMatching(
          /^\/type fits none of the forms the schema allows \(must be one of "array", .*; or must be an array, /,
        ),
      },
    ]);
  });

  it('keywords it does not know: a misspelt one would check nothing', () => {
    expect(check({ properties: { a: { requried: ['b'] } } })).toEqual([
      {
        pointer: '/properties/a/requried',
        detail:
          '"requried" is not a keyword of JSON Schema 2020-12 that is supported here. Is it misspelt? A note of your own needs a name that begins with "x-".',
      },
    ]);
  });

  it.each([
    ['nullable', true, '["string", "null"]'],
    ['id', 'a', '"$id"'],
    ['additionalItems', false, '"prefixItems"'],
    ['dependencies', {}, '"dependentRequired"'],
    ['$dynamicRef', '#a', '"$ref"'],
    ['$async', true, 'Asynchronous schemas are not supported'],
  ])('%s, and names what to write instead', (keyword, value, advice) => {
    const problems = check({ items: { [keyword]: value } });
    expect(problems).toMatchObject([{ pointer: `/items/${keyword}` }]);
    expect(problems[0]?.detail).toContain(advice);
  });

  it('another draft', () => {
    expect(pointersOf({ $schema: 'http://json-schema.org/draft-07/schema#' })).toEqual(['/$schema']);
  });

  it('a format nobody would check', () => {
    expect(check({ properties: { a: { format: 'phone' } } })).toEqual([
      {
        pointer: '/properties/a/format',
        detail: expect.stringMatching(/^The format "phone" is not known\. Known are: .*\bemail\b/),
      },
    ]);
    expect(pointersOf({ format: 'regex' })).toEqual(['/format']);
  });

  it.each(['https://example.com/s.json', 'other.json#/a', '//example.com', 'file:///etc/passwd'])(
    'the remote reference %s',
    (ref) => {
      expect(check({ properties: { a: { $ref: ref } } })).toEqual([
        { pointer: '/properties/a/$ref', detail: expect.stringContaining('leaves the document') },
      ]);
    },
  );

  it.each(['#/$defs/missing', '#missing', '#/const', '#/%zz'])(
    'the reference %s to nothing that is a schema',
    (ref) => {
      expect(check({ const: { pattern: '(a+)+' }, items: { $ref: ref } })).toEqual([
        { pointer: '/items/$ref', detail: `"${ref}" does not name a schema of this document.` },
      ]);
    },
  );

  it('an $id that would give references another base', () => {
    expect(pointersOf({ items: { $id: 'https://example.com/x' } })).toEqual(['/items/$id']);
  });

  it.each<[string, unknown, string]>([
    ['to the root', { properties: { child: { $ref: '#' } } }, '/properties/child/$ref'],
    ['to itself', { $ref: '#' }, '/$ref'],
    [
      'in a ring',
      { $ref: '#/$defs/a', $defs: { a: { items: { $ref: '#/$defs/b' } }, b: { not: { $ref: '#/$defs/a' } } } },
      '/$defs/b/not/$ref',
    ],
    ['that nothing leads to', { $defs: { a: { items: { $ref: '#/$defs/a' } } } }, '/$defs/a/items/$ref'],
  ])('references without end %s', (_name, schema, pointer) => {
    expect(check(schema)).toEqual([{ pointer, detail: expect.stringContaining('leads back to itself') }]);
  });

  it('references that double the work at every step', () => {
    const $defs = Object.fromEntries(
      Array.from({ length: 60 }, (_, n) => [
        `d${n}`,
        { allOf: [{ $ref: `#/$defs/d${n + 1}` }, { $ref: `#/$defs/d${n + 1}` }] },
      ]),
    );
    const schema = { $ref: '#/$defs/d0', $defs: { ...$defs, d60: { type: 'string' } } };
    expect(check(schema)).toEqual([{ pointer: '', detail: expect.stringContaining('more than 2000 parts') }]);
  });

  it('more than 64 KiB, counted in bytes', () => {
    expect(check({ description: 'é'.repeat(32_700) })).toEqual([]);
    expect(check({ description: 'é'.repeat(32_800) })).toEqual([
      { pointer: '', detail: 'The schema has 65618 bytes; at most 65536 are allowed.' },
    ]);
  });

  it('schemas nested too deeply, in keywords or in values', () => {
    const nest = (levels: number, wrap: (inner: unknown) => unknown) => {
      let schema: unknown = {};
      for (let level = 0; level < levels; level++) schema = wrap(schema);
      return schema;
    };
    expect(check(nest(32, (not) => ({ not })))).toEqual([]);
    expect(check(nest(33, (not) => ({ not })))).toMatchObject([
      { detail: 'The schema is nested deeper than 32 levels.' },
    ]);
    expect(check({ const: nest(200_000, (inner) => [inner]) })).toEqual([
      { pointer: '', detail: 'The schema is nested too deeply.' },
    ]);
  });

  it.each([
    ['^(?=a)b', 'Look-around and back-references are not supported.'],
    ['(a)\\1', 'Look-around and back-references are not supported.'],
    ['[a-z', 'missing closing ]'],
    ['a{1,400}', 'use minLength and maxLength'],
    ['((a{100}){100}){100}', 'invalid repeat count'],
    ['a'.repeat(201), 'A pattern may have 200 characters; this one has 201.'],
  ])('the pattern %s, with the reason', (pattern, reason) => {
    const inValue = check({ items: { pattern } });
    const inName = check({ patternProperties: { [pattern]: {} } });
    expect(inValue).toEqual([{ pointer: '/items/pattern', detail: expect.stringContaining(reason) }]);
    expect(inName).toEqual([{ pointer: `/patternProperties/${pattern}`, detail: expect.stringContaining(reason) }]);
  });
});

describe('a schema that means harm', () => {
  const against = (schema: Record<string, unknown>, data: unknown) => {
    expect(check(schema)).toEqual([]);
    return validator.validate(null, schema, data);
  };

  // Each of these would run for longer than the test may: no clock is needed to see the difference.
  it('cannot hold the process with a pattern', () => {
    const text = `${'a'.repeat(200_000)}!`;
    for (const pattern of ['^(a+)+$', '^(a|a)*$', '^(a|aa)+$', '(.*a){12}$', '^(([a-z])+.)+[A-Z]([a-z])+$']) {
      expect(against({ pattern }, text)).toHaveLength(1);
      expect(against({ patternProperties: { [pattern]: false } }, { [text]: 1 })).toEqual([]);
    }
  });

  it('cannot hold the process by comparing every item with every other', () => {
    const items = Array.from({ length: 60_000 }, (_, n) => ({ n, text: 'same' }));
    expect(against({ uniqueItems: true }, items)).toEqual([]);
    expect(against({ uniqueItems: true }, [...items, { text: 'same', n: 0 }])).toHaveLength(1);
  });

  it('cannot reach code or prototypes', () => {
    const schema = JSON.parse(
      '{"properties":{"__proto__":{"type":"string"},"constructor":{"type":"number"},"a\\"];throw 1;//":{"const":"`;throw 1;`"}}}',
    );
    expect(against(schema, JSON.parse('{"constructor":1}'))).toEqual([]);
    expect(against(schema, { constructor: 'x' })).toMatchObject([{ pointer: '/constructor' }]);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });
});
