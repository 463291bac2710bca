import { expect, it } from 'vitest';
import { type Person, personPattern } from './person-traces.js';

const ADA: Person = {
  contactId: '019ab0c4-5a7e-7b30-9c1f-3f2a6d0e8b01',
  email: 'ada+news@example.com',
  phones: [{ callingCode: '55', national: '11999990000' }],
  ids: ['1234567890', '12'],
  handles: ['ada.l'],
};
const found = (text: string) => new RegExp(personPattern(ADA), 'i').test(text);

it.each([
  '{"contact_id":"019AB0C4-5a7e-7b30-9c1f-3f2a6d0e8b01"}',
  '{"email":"Ada+News@Example.com"}',
  'Write to ada+news@example.com.',
  'name=Ada&email=ada%2Bnews%40example.com&x=1',
  '{"email":"ada\\u002bnews\\u0040example.com"}',
  '{"phone":"+5511999990000"}',
  '{"telefone":"(11) 99999-0000"}',
  '{"remoteJid":"5511999990000@s.whatsapp.net"}',
  'tel=%2B55+11+99999+0000',
  '011 99999 0000',
  '{"manychatId":1234567890}',
  '{"manychat_id":"1234567890"}',
  '{"username":"ada.l"}',
  '{"username":"@Ada.L"}',
])('finds the person in %s', (text) => {
  expect(found(text)).toBe(true);
});

it.each([
  '{"email":"ada+news@example.com.br"}',
  '{"email":"xada+news@example.com"}',
  '{"email":"news@example.com"}',
  '{"phone":"+55119999900001"}',
  '{"phone":"+4411999990001"}',
  '{"n":91234567890}',
  '{"manychatId":"1234567890-2"}',
  '{"n":12}',
  'a word like ada.l in a sentence',
  '{"username":"adazl"}',
])('finds somebody else in %s', (text) => {
  expect(found(text)).toBe(false);
});
