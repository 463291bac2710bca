import { describe, expect, it } from 'vitest';
import { HANDOVER_WORDS, handoverWordIn } from './handover.js';

describe('handoverWordIn', () => {
  it.each([
    ['Quero falar com uma PESSOA, por favor', 'falar com uma pessoa'],
    ['um atendente?', 'atendente'],
    ['Can I get a human', 'human'],
    ['¡Quiero hablar con alguien!', 'hablar con alguien'],
  ])('%j asks for a person', (message, word) => {
    expect(handoverWordIn(message, HANDOVER_WORDS)).toBe(word);
  });

  it.each([['Which humane society?'], ['atendentes'], [''], ['Bom dia']])('%j does not', (message) => {
    expect(handoverWordIn(message, HANDOVER_WORDS)).toBeNull();
  });

  it('takes words of a tenant as they are meant, and an empty one for none', () => {
    expect(handoverWordIn('URGÊNCIA!!', ['urgencia'])).toBe('urgencia');
    expect(handoverWordIn('Oi', ['...'])).toBeNull();
  });
});
