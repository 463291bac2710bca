import { describe, expect, it } from 'vitest';
import { failureInGraphQl } from './twenty-failures.js';
import { findStage, readObjects, selectionOf } from './twenty-schema.js';

const FIELDS = [
  { name: 'name', type: 'FULL_NAME', isActive: true },
  { name: 'city', type: 'TEXT', isActive: false },
  { name: 'company', type: 'RELATION', settings: { relationType: 'MANY_TO_ONE', joinColumnName: 'companyId' } },
  { name: 'tasks', type: 'RELATION', settings: { relationType: 'ONE_TO_MANY' } },
  { name: 'searchVector', type: 'TS_VECTOR' },
  { name: 'future', type: 'A_TYPE_OF_A_LATER_VERSION' },
];
const PERSON = { nameSingular: 'person', namePlural: 'people' };

describe("a workspace's data model", () => {
  it.each([
    ['in data.objects', { data: { objects: [{ ...PERSON, fields: FIELDS }] } }],
    ['as a list', [{ ...PERSON, fields: FIELDS }]],
    [
      'as edges',
      { data: { objects: { edges: [{ node: { ...PERSON, fields: { edges: FIELDS.map((node) => ({ node })) } } }] } } },
    ],
  ])('is read %s, and only what a record itself holds is asked for', (_, answer) => {
    const [person] = readObjects(answer);
    expect(person).toMatchObject(PERSON);
    expect(person && selectionOf(person)).toBe('name { firstName lastName } companyId');
  });
});

describe('a stage', () => {
  const options = ['NEW', 'MEETING', 'LOST'].map((value, position) => ({ value, label: `The ${value}`, position }));

  it('is found by value, by label, or by what the setting says, and by nothing else', () => {
    expect(findStage(options, 'MEETING', {})).toBe('MEETING');
    expect(findStage(options, 'the lost', {})).toBe('LOST');
    expect(findStage(options, 'CANCELLED', { CANCELLED: 'LOST' })).toBe('LOST');
    expect(findStage(options, 'CANCELLED', {})).toBeNull();
    expect(findStage(options, 'constructor', {})).toBeNull();
  });
});

describe('what is wrong although Twenty answered', () => {
  it.each([
    [200, { data: {} }, null],
    [200, { errors: [{ message: 'Token invalid.', extensions: { code: 'UNAUTHENTICATED' } }] }, 'unauthenticated'],
    [
      200,
      { errors: [{ message: 'Limit reached (100/60000 ms)', extensions: { code: 'INTERNAL_SERVER_ERROR' } }] },
      'rate_limited',
    ],
    [
      200,
      { errors: [{ message: 'A duplicate entry was detected', extensions: { code: 'BAD_USER_INPUT' } }] },
      'conflict',
    ],
    [200, { errors: [{ message: 'no permission to do this' }] }, 'forbidden'],
    [400, { messages: ['Limit reached'] }, 'rate_limited'],
    [400, { messages: ['wrong'] }, null],
  ])('%i %j', (status, body, failure) => {
    expect(failureInGraphQl(body, status)).toBe(failure);
  });
});
