import { describe, expect, it } from 'vitest';
import { fullName, personContent, personHash, splitName, statedOf } from './person-content.js';

describe('personContent', () => {
  it('is the same however a system writes it', () => {
    const ours = personContent({
      firstName: 'Ana',
      lastName: 'Maria Souza',
      email: 'ana@example.com',
      phone: '+5511999990000',
    });
    const theirs = personContent({
      ...splitName(' Ana  Maria Souza'),
      email: 'Ana@Example.com ',
      phone: '+55 (11) 99999-0000',
    });
    expect(theirs).toEqual(ours);
    expect(personHash(theirs)).toBe(personHash(ours));
  });

  it('has the same hash where names are split elsewhere, and another one for another name', () => {
    const of = (firstName: string, lastName: string | null) => personHash(personContent({ firstName, lastName }));
    expect(of('Ana Maria', 'Souza')).toBe(of('Ana', 'Maria Souza'));
    expect(of('Ana Maria', null)).not.toBe(of('Ana', 'Maria Souza'));
  });

  it('says nothing of what is empty', () => {
    const person = personContent({ firstName: '', lastName: null, email: undefined, phone: ' 99999-0000 ' });
    expect(statedOf(person)).toEqual({ phone: '99999-0000' });
    expect(fullName(person)).toBeNull();
  });
});
