import { describe, expect, it } from 'vitest';
import { SchemaValidator } from './schema-validator.js';
import type { JsonSchema } from './vocabularies/built-in-event-type.js';

const check = (schema: unknown) => new SchemaValidator().checkSchema(schema);
const validate = (schema: JsonSchema, data: unknown) => new SchemaValidator().validate(null, schema, data);
const firstDetail = (schema: JsonSchema, data: unknown) => validate(schema, data)[0]?.detail;

const order: JsonSchema = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  required: ['id', 'user'],
  properties: {
    id: { type: 'string', format: 'uuid' },
    user: { $ref: '#/$defs/person' },
    total: { type: ['number', 'null'], minimum: 0 },
    lines: {
      type: 'array',
      items: { type: 'object', required: ['sku'], additionalProperties: false, properties: { sku: {} } },
    },
  },
  $defs: {
    person: { type: 'object', required: ['email'], properties: { email: { type: 'string', format: 'email' } } },
  },
};
const goodOrder = { id: '019ab0c4-5a7e-7b30-9c1f-3f2a6d0e8b01', user: { email: 'a@example.com' }, total: 10 };

describe('validate', () => {
  it('finds nothing in data that fits', () => {
    expect(check(order)).toEqual([]);
    expect(validate(order, goodOrder)).toEqual([]);
  });

  it('names every problem with a pointer into the data and plain words', () => {
    const data = { user: { email: 'nobody' }, total: '10', lines: [{ sku: 1 }, { 'a/b': 1 }] };
    expect(validate(order, data)).toEqual([
      { pointer: '/id', detail: 'is required' },
      { pointer: '/user/email', detail: 'must be an e-mail address, but is "nobody"' },
      { pointer: '/total', detail: 'must be a number or null, but is "10"' },
      { pointer: '/lines/1/sku', detail: 'is required' },
      { pointer: '/lines/1/a~1b', detail: 'is not a property the schema knows' },
    ]);
  });

  it.each<[string, JsonSchema, unknown, string]>([
    ['type', { type: 'object' }, [], 'must be an object, but is an array'],
    ['const', { const: 'a' }, 'b', 'must be "a", but is "b"'],
    ['enum', { enum: ['a', 'b'] }, null, 'must be one of "a", "b", but is null'],
    ['minLength', { minLength: 1 }, '', 'must not be empty'],
    ['maxLength', { maxLength: 2 }, 'abc', 'must have at most 2 characters'],
    ['minProperties', { minProperties: 2 }, { a: 1 }, 'must have at least 2 properties'],
    ['maxItems', { maxItems: 1 }, [1, 2], 'must have at most 1 item'],
    ['minimum', { minimum: 3 }, 2, 'must be >= 3, but is 2'],
    ['pattern', { pattern: '^\\d+$' }, 'x', 'must match the pattern ^\\d+$, but is "x"'],
    [
      'date-time',
      { format: 'date-time' },
      'today',
      'must be a date and time with zone such as 2026-01-15T10:30:00Z, but is "today"',
    ],
    [
      'uniqueItems',
      { uniqueItems: true },
      [
        { a: 1, b: 2 },
        { b: 2, a: 1 },
      ],
      'must not hold the same item twice',
    ],
    ['contains', { contains: { const: 1 } }, [2], 'must hold at least 1 item of the form the schema asks for'],
    ['not', { not: { type: 'string' } }, 'a', 'has a form the schema forbids'],
    [
      'anyOf',
      { anyOf: [{ type: 'string' }, { type: 'null' }] },
      1,
      'fits none of the forms the schema allows (must be a string, but is 1; or must be null, but is 1)',
    ],
    [
      'oneOf',
      { oneOf: [{ type: 'string' }, { minLength: 1 }] },
      'a',
      'fits several forms of which the schema allows one only',
    ],
    ['then', JSON.parse('{"if":{"type":"object"},"then":{"required":["a"]}}'), {}, 'is required'],
    ['unevaluatedProperties', { unevaluatedProperties: false }, { a: 1 }, 'is not a property the schema knows'],
    ['dependentRequired', { dependentRequired: { a: ['b'] } }, { a: 1 }, 'is required when "a" is there'],
  ])('words %s', (_keyword, schema, data, detail) => {
    expect(check(schema)).toEqual([]);
    expect(validate(schema, data)).toHaveLength(1);
    expect(firstDetail(schema, data)).toBe(detail);
  });

  it('tells equal items from different ones as JSON Schema does', () => {
    const unique: JsonSchema = { uniqueItems: true };
    expect(validate(unique, [1, '1', [1], { a: 1 }, { a: '1' }, null, 'null'])).toEqual([]);
    expect(validate(unique, [1, 1.0])).toHaveLength(1);
    expect(validate({ uniqueItems: false }, [1, 1])).toEqual([]);
  });

  it('folds what an anyOf tried, also behind references, and keeps what stands beside it', () => {
    const schema: JsonSchema = {
      required: ['a', 'b'],
      properties: { b: { anyOf: [{ $ref: '#/$defs/text' }, { type: 'object', required: ['c'] }], not: { const: 1 } } },
      $defs: { text: { type: 'string' } },
    };
    expect(validate(schema, { b: 1 })).toEqual([
      { pointer: '/a', detail: 'is required' },
      { pointer: '/b', detail: 'has a form the schema forbids' },
      {
        pointer: '/b',
        detail: 'fits none of the forms the schema allows (must be a string, but is 1; or must be an object, but is 1)',
      },
    ]);
    expect(validate(schema, { a: 1, b: {} })).toEqual([
      {
        pointer: '/b',
        detail: 'fits none of the forms the schema allows (must be a string, but is an object; or /c is required)',
      },
    ]);
  });

  it('does not repeat long values', () => {
    expect(firstDetail({ type: 'number' }, 'x'.repeat(10_000))?.length).toBeLessThan(120);
  });

  it('answers large wrong data with its first problem, small wrong data with at most 50', () => {
    const numbers: JsonSchema = { type: 'array', items: { type: 'number' } };
    expect(validate(numbers, new Array(100_000).fill('x'))).toEqual([
      { pointer: '/0', detail: 'must be a number, but is "x"' },
    ]);
    const many = validate(numbers, new Array(100).fill('x'));
    expect(many).toHaveLength(51);
    expect(many.at(-1)).toEqual({ pointer: '', detail: 'There are 50 further problems.' });
  });

  it('answers data that is nested without end', () => {
    let data: unknown = 1;
    for (let level = 0; level < 200_000; level++) data = [data];
    expect(validate({ uniqueItems: true }, [data, data])).toEqual([
      { pointer: '', detail: 'is nested too deeply to be checked' },
    ]);
  });

  it('does not change the data', () => {
    const data = Object.freeze({ total: '1' });
    validate({ properties: { total: { type: 'number', default: 2 }, other: { default: 1 } } }, data);
    expect(data).toEqual({ total: '1' });
  });
});

describe('one validator for many tenants', () => {
  const schemaOf = (type: string): JsonSchema => ({
    $id: 'https://example.com/order',
    properties: { x: { $ref: '#amount' } },
    $defs: { amount: { $anchor: 'amount', type } },
  });

  it('keeps schemas with the same $id and anchors apart', () => {
    const validator = new SchemaValidator();
    expect(validator.validate('a/order.paid/1', schemaOf('string'), { x: 'one' })).toEqual([]);
    expect(validator.validate('b/order.paid/1', schemaOf('number'), { x: 1 })).toEqual([]);
    expect(validator.validate('a/order.paid/1', schemaOf('string'), { x: 1 })).toHaveLength(1);
  });

  // A remembered schema is recognised by its ignoring the other schema it is handed under the same key.
  const remembers = (validator: SchemaValidator, key: string) =>
    validator.validate(key, { type: 'number' }, 'x').length === 0;

  it('compiles what has a key once, and what has none each time', () => {
    const validator = new SchemaValidator();
    validator.validate('a/order.paid/1', { type: 'string' }, 'x');
    validator.validate(null, { type: 'string' }, 'x');
    expect(remembers(validator, 'a/order.paid/1')).toBe(true);
    expect(validator.validate('a/order.paid/2', { type: 'number' }, 'x')).toHaveLength(1);
    expect(validator.validate(null, { type: 'number' }, 'x')).toHaveLength(1);
  });

  it('forgets the schema used longest ago, not the one in use', () => {
    const validator = new SchemaValidator();
    validator.validate('in use', { type: 'string' }, 'x');
    validator.validate('idle', { type: 'string' }, 'x');
    for (let n = 0; n < 499; n++) {
      validator.validate(`filler ${n}`, { type: 'string' }, 'x');
      validator.validate('in use', { type: 'string' }, 'x');
    }
    expect(remembers(validator, 'in use')).toBe(true);
    expect(remembers(validator, 'idle')).toBe(false);
  });
});
